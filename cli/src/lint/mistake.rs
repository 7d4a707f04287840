//! The table of the usual mistakes: what each is called, what comes of it, and what to do.

/// A usual mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mistake {
    LabelElsewhere,
    LabelMissing,
    LabelValue,
    AccountMissing,
    AccountOther,
    AccountUnknown,
    SecretUnknown,
    ClassUnknown,
    NameMisspelled,
    KeyUnknown,
    SecretOptional,
    Prefixed,
    ConfigMapForSecret,
    VariableOverridden,
    VariableTwice,
    VolumeWritable,
    VolumeUnmounted,
    DriverUnknown,
    ObjectByHand,
    NamespaceUnstated,
    LoginMissing,
    IdentityByHand,
    NameBlank,
    SecretGenerated,
}

/// How bad a mistake is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// It does not work, or not as it looks.
    Error,
    /// It depends on what the file does not say.
    Warning,
}

impl Level {
    /// Its name in an output.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// What there is to say of a mistake.
pub(crate) struct Entry {
    mistake: Mistake,
    /// Its code, which stays what it is.
    pub(crate) code: &'static str,
    pub(crate) level: Level,
    /// What is wrong.
    pub(crate) title: &'static str,
    /// What comes of it, and why.
    pub(crate) cause: &'static str,
    /// What to do about it.
    pub(crate) fix: &'static str,
}

impl Mistake {
    /// Whether it is one only if there are no more connections than are known.
    pub(crate) fn is_of_absence(self) -> bool {
        matches!(self, Self::AccountUnknown | Self::SecretUnknown | Self::ClassUnknown)
    }

    /// What there is to say of it.
    pub(crate) fn entry(self) -> &'static Entry {
        let entry = &TABLE[self as usize];
        debug_assert!(entry.mistake == self, "the table is in the order of the mistakes");
        entry
    }
}

/// All mistakes, in the order of [`Mistake`] and of their codes. A new one is added at the end.
pub(crate) static TABLE: [Entry; 24] = [
    Entry {
        mistake: Mistake::LabelElsewhere,
        code: "SC2001",
        level: Level::Error,
        title: "the label `azure.workload.identity/use` is not among the labels of the pod template",
        cause: "the webhook of Azure Workload Identity sees pods alone, and a pod has the labels of its template: it gets no token, and nothing says so",
        fix: "move it to the labels of the pod template",
    },
    Entry {
        mistake: Mistake::LabelMissing,
        code: "SC2002",
        level: Level::Error,
        title: "the pods run as the ServiceAccount of an identity, without the label `azure.workload.identity/use`",
        cause: "the webhook of Azure Workload Identity passes over a pod without the label: it gets no token, and nothing says so",
        fix: "write `azure.workload.identity/use: \"true\"` into the labels of the pod template",
    },
    Entry {
        mistake: Mistake::LabelValue,
        code: "SC2003",
        level: Level::Error,
        title: "the label `azure.workload.identity/use` is not the text `true`",
        cause: "the webhook of Azure Workload Identity takes the text `true` alone, in lower case; a label that is no text is refused by Kubernetes",
        fix: "write `\"true\"`, in quotes",
    },
    Entry {
        mistake: Mistake::AccountMissing,
        code: "SC2004",
        level: Level::Error,
        title: "the pods have the label `azure.workload.identity/use`, and run as no ServiceAccount of an identity",
        cause: "a pod that names none runs as `default`, whose token no identity trusts: the login fails",
        fix: "name the ServiceAccount of the connection by `serviceAccountName` in the pod template, or take the label away",
    },
    Entry {
        mistake: Mistake::AccountOther,
        code: "SC2005",
        level: Level::Error,
        title: "a connection logs in as an identity whose ServiceAccount the pods do not run as",
        cause: "the identity trusts the tokens of its own ServiceAccount alone: the login fails",
        fix: "name the ServiceAccount of the connection by `serviceAccountName` in the pod template",
    },
    Entry {
        mistake: Mistake::AccountUnknown,
        code: "SC2006",
        level: Level::Error,
        title: "no connection in the namespace gives this ServiceAccount",
        cause: "Kubernetes makes no pod whose ServiceAccount is not there",
        fix: "make its connection by `sc create`, or name another: `sc list` has them all",
    },
    Entry {
        mistake: Mistake::SecretUnknown,
        code: "SC2007",
        level: Level::Error,
        title: "no connection in the namespace gives this Secret",
        cause: "a container whose Secret is not there does not start, and an image whose Secret is not there may not be pulled",
        fix: "make its connection by `sc create`, or name another: `sc list` has them all",
    },
    Entry {
        mistake: Mistake::ClassUnknown,
        code: "SC2008",
        level: Level::Error,
        title: "no connection in the namespace gives this SecretProviderClass",
        cause: "a pod whose volume cannot be mounted does not start",
        fix: "make its connection by `sc create`, or name another: `sc list` has them all",
    },
    Entry {
        mistake: Mistake::NameMisspelled,
        code: "SC2009",
        level: Level::Error,
        title: "the name is nearly that of an object which a connection gives",
        cause: "names of objects have the connection's name in lower case without anything but letters and digits",
        fix: "write the name as `sc show` prints it",
    },
    Entry {
        mistake: Mistake::KeyUnknown,
        code: "SC2010",
        level: Level::Error,
        title: "the connection gives no such key",
        cause: "a container that takes a key which its Secret lacks does not start",
        fix: "take a key that the Secret has: `sc list-configuration` prints variables, the catalogue has the entries of bindings",
    },
    Entry {
        mistake: Mistake::SecretOptional,
        code: "SC2011",
        level: Level::Error,
        title: "the Secret of a connection is optional",
        cause: "a container then starts without its variables when the Secret is not there yet, and fails in a way that says less",
        fix: "take `optional` away: the container waits until the Secret is there",
    },
    Entry {
        mistake: Mistake::Prefixed,
        code: "SC2012",
        level: Level::Error,
        title: "the variables of a connection get a prefix",
        cause: "clients look for the names without it",
        fix: "take `prefix` away; `customizedKeys` of the connection renames single variables",
    },
    Entry {
        mistake: Mistake::ConfigMapForSecret,
        code: "SC2013",
        level: Level::Error,
        title: "the Secret of a connection is named as a ConfigMap",
        cause: "there is no ConfigMap of that name, so the container does not start",
        fix: "name it as a Secret: `secretRef`, `secretKeyRef` or `secret` in the place of `configMapRef`, `configMapKeyRef` or `configMap`",
    },
    Entry {
        mistake: Mistake::VariableOverridden,
        code: "SC2014",
        level: Level::Error,
        title: "the container sets a variable that a connection gives, too",
        cause: "what stands in `env` goes before what comes by `envFrom`, so the value of the connection is lost",
        fix: "take it out of `env`, or rename that of the connection by its `customizedKeys`",
    },
    Entry {
        mistake: Mistake::VariableTwice,
        code: "SC2015",
        level: Level::Error,
        title: "two connections give a container the same variable",
        cause: "the later of two `envFrom` goes before the earlier, whose value is lost",
        fix: "rename that of one connection by its `customizedKeys`",
    },
    Entry {
        mistake: Mistake::VolumeWritable,
        code: "SC2016",
        level: Level::Error,
        title: "the volume of a SecretProviderClass is not `readOnly`",
        cause: "the Secrets Store CSI driver mounts for reading alone",
        fix: "write `readOnly: true` under `csi`",
    },
    Entry {
        mistake: Mistake::VolumeUnmounted,
        code: "SC2017",
        level: Level::Error,
        title: "no container mounts the volume of a SecretProviderClass",
        cause: "the driver fetches the objects, and nobody can read them",
        fix: "name the volume in `volumeMounts` of the container that reads it",
    },
    Entry {
        mistake: Mistake::DriverUnknown,
        code: "SC2018",
        level: Level::Error,
        title: "the driver is not the Secrets Store CSI driver",
        cause: "a pod waits for ever for a driver that no node has",
        fix: "write `driver: secrets-store.csi.k8s.io`",
    },
    Entry {
        mistake: Mistake::ObjectByHand,
        code: "SC2019",
        level: Level::Error,
        title: "an object whose name the job gives is written by hand",
        cause: "the job refuses to write over an object that is not its own, and the run ends with exit code 3",
        fix: "take it out of the file, give it another name, or set `adopt: true` on the connection",
    },
    Entry {
        mistake: Mistake::NamespaceUnstated,
        code: "SC2020",
        level: Level::Warning,
        title: "the workload states no namespace",
        cause: "it goes where the context of kubectl points, and its Secrets are of use only in their own namespace",
        fix: "write `namespace` into its metadata, or say by `--kube-namespace` where it goes",
    },
    Entry {
        mistake: Mistake::LoginMissing,
        code: "SC2021",
        level: Level::Error,
        title: "the volume does not name the Secret by which the CSI provider logs in",
        cause: "the connection logs in to its vault as a service principal, so without that Secret the volume cannot be mounted",
        fix: "write it as `nodePublishSecretRef` under `csi`; `sc snippet` prints the volume",
    },
    Entry {
        mistake: Mistake::IdentityByHand,
        code: "SC2022",
        level: Level::Error,
        title: "the container sets a variable of workload identity by hand",
        cause: "the webhook passes over what stands in `env`, so the SDK logs in as another identity, or not at all",
        fix: "take it out of `env`: the webhook sets it by the ServiceAccount",
    },
    Entry {
        mistake: Mistake::NameBlank,
        code: "SC2023",
        level: Level::Error,
        title: "the name of a connection's object begins or ends with white space",
        cause: "white space is part of the name: kubectl refuses the workload, or its pods wait for an object that nobody can make",
        fix: "write the name without it",
    },
    Entry {
        mistake: Mistake::SecretGenerated,
        code: "SC2024",
        level: Level::Error,
        title: "a Secret is generated under the name of a connection's",
        cause: "kustomize writes the name of its own Secret, with a hash or an affix, wherever a workload has that name, so the workload does not get what the connection gives",
        fix: "take it out of `secretGenerator`, or give it another name",
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sc_tests::{files, stem};

    use super::*;
    use crate::lint::findings;
    use crate::lint::manifest::{Manifests, Namespaces};
    use crate::lint::objects::Objects;
    use crate::lint::tree::Node;

    /// The codes that are found in the examples, by the name of the file.
    fn found() -> BTreeMap<String, Vec<&'static str>> {
        let values = std::fs::read(sc_tests::tree("cli/tests/input/connections.yaml")).unwrap();
        let connections = sc_core::connections::Connections::parse(&values, &mut sc_core::problem::Problems::default()).unwrap().listed;
        let objects = Objects::of(connections.iter(), std::iter::empty());
        let codes = |text: &[u8]| {
            let (documents, broken) = Node::parse(text);
            assert!(broken.is_empty(), "{broken:?}");
            let file = Manifests::of(&documents, Namespaces::default());
            findings(&file, &file, &objects).into_iter().map(|finding| finding.mistake.entry().code).collect()
        };
        files("cli/tests/input/lint", "yaml").iter().map(|file| (stem(file), codes(&std::fs::read(file).unwrap()))).collect()
    }

    #[test]
    fn the_table_is_in_the_order_of_the_mistakes_and_of_their_codes() {
        for (index, entry) in TABLE.iter().enumerate() {
            assert_eq!((entry.mistake as usize, entry.code), (index, format!("SC{}", 2001 + index).as_str()));
        }
    }

    #[test]
    fn each_mistake_has_an_example_that_shows_it_and_no_other() {
        let found = found();
        for Entry { code, .. } in &TABLE {
            let codes = found.get(*code).unwrap_or_else(|| panic!("cli/tests/input/lint/{code}.yaml is missing"));
            assert!(!codes.is_empty() && codes.iter().all(|found| found == code), "{code}.yaml shows {codes:?}");
        }
    }

    #[test]
    fn what_is_right_is_not_found_fault_with() {
        assert_eq!(found()["clean"], Vec::<&str>::new());
    }

    #[test]
    fn no_entry_is_left_unsaid() {
        for Entry { code, title, cause, fix, .. } in &TABLE {
            assert!([title, cause, fix].iter().all(|text| !text.is_empty() && !text.ends_with('.')), "{code}");
        }
    }
}
