//! The inventory: what runs have made or set out to make, so that the objects of a connection that is taken out are known.
//!
//! It is kept in pages, each a text with a line an object, as in `shop/secrets/sc-orders-secret Delete`. An object never moves to another
//! page, so that a run which ends between the writing of two pages loses none.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::object::ObjectId;
use crate::values::DeletionPolicy;

/// The largest page in bytes; a ConfigMap holds 1 MiB.
pub const LARGEST_PAGE: usize = 900_000;

/// All objects that are known, and what becomes of each when no connection asks for it any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    pages: Vec<Page>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Page {
    objects: BTreeMap<ObjectId, DeletionPolicy>,
    /// Bytes of its text.
    size: usize,
}

impl Inventory {
    /// Adds a page as it was kept. A line that names no object of ours is passed over: only a hand can have written it.
    pub fn add_page(&mut self, text: &str) {
        let mut page = Page::default();
        text.lines().filter_map(parse_line).for_each(|(id, policy)| page.insert(id, policy));
        self.pages.push(page);
    }

    /// The pages, as they are to be kept.
    #[must_use]
    pub fn pages(&self) -> Vec<String> {
        self.pages.iter().map(Page::text).collect()
    }

    /// Notes an object, or its new policy.
    pub fn note(&mut self, id: &ObjectId, policy: DeletionPolicy) {
        if let Some(known) = self.pages.iter_mut().find_map(|page| page.objects.get_mut(id)) {
            // `Retain` and `Delete` are of one length.
            *known = policy;
            return;
        }
        let room = LARGEST_PAGE - line(id, policy).len();
        match self.pages.iter_mut().find(|page| page.size <= room) {
            Some(page) => page.insert(id.clone(), policy),
            None => self.pages.push(Page::of(id.clone(), policy)),
        }
    }

    /// Notes all of another inventory.
    pub fn merge(&mut self, other: &Self) {
        other.objects().for_each(|(id, policy)| self.note(id, policy));
    }

    /// Keeps those objects alone for which this holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&ObjectId, DeletionPolicy) -> bool) {
        for page in &mut self.pages {
            page.objects.retain(|id, policy| keep(id, *policy));
            page.size = page.objects.iter().map(|(id, policy)| line(id, *policy).len()).sum();
        }
    }

    /// Whether it has this object.
    #[must_use]
    pub fn contains(&self, id: &ObjectId) -> bool {
        self.policy(id).is_some()
    }

    /// What becomes of this object, if it is known.
    #[must_use]
    pub fn policy(&self, id: &ObjectId) -> Option<DeletionPolicy> {
        self.pages.iter().find_map(|page| page.objects.get(id)).copied()
    }

    /// All objects with their policies.
    pub fn objects(&self) -> impl Iterator<Item = (&ObjectId, DeletionPolicy)> {
        self.pages.iter().flat_map(|page| &page.objects).map(|(id, policy)| (id, *policy))
    }
}

impl Page {
    fn of(id: ObjectId, policy: DeletionPolicy) -> Self {
        let mut page = Self::default();
        page.insert(id, policy);
        page
    }

    fn insert(&mut self, id: ObjectId, policy: DeletionPolicy) {
        self.size += line(&id, policy).len();
        self.objects.insert(id, policy);
    }

    fn text(&self) -> String {
        self.objects.iter().fold(String::with_capacity(self.size), |mut text, (id, policy)| {
            // Writing to a text cannot fail.
            let _ = text.write_str(&line(id, *policy));
            text
        })
    }
}

fn line(id: &ObjectId, policy: DeletionPolicy) -> String {
    format!("{} {}\n", id.path(), policy.name())
}

fn parse_line(line: &str) -> Option<(ObjectId, DeletionPolicy)> {
    let (path, name) = line.split_once(' ')?;
    let policy = DeletionPolicy::ALL.into_iter().find(|(word, _)| *word == name)?.1;
    Some((ObjectId::parse(path)?, policy))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = "media/secretproviderclasses/sc-vault-secretprovider Retain\n\
        shop/serviceaccounts/sc-account-11111111-2222-3333-4444-555555555555 Retain\n\
        shop/secrets/sc-orders-secret Delete\n\
        shop/secrets/sc-orders-binding Delete\n";

    fn inventory(text: &str) -> Inventory {
        let mut inventory = Inventory::default();
        inventory.add_page(text);
        inventory
    }

    #[test]
    fn a_page_is_read_as_it_was_written() {
        assert_eq!(inventory(LINES).pages(), [LINES]);
    }

    #[test]
    fn a_line_that_names_no_object_of_ours_is_passed_over() {
        for line in [
            "",
            "shop/secrets/sc-orders-secret",
            "shop/secrets/sc-orders-secret Destroy",
            "shop/secrets/database-password Delete",
            "shop/secrets/sc-Orders-secret Delete",
            "shop/secrets/sc--secret Delete",
            "shop/serviceaccounts/default Delete",
            "shop/pods/sc-orders-secret Delete",
            "../secrets/sc-orders-secret Delete",
            "a/b/secrets/sc-orders-secret Delete",
        ] {
            assert_eq!(inventory(line).objects().count(), 0, "{line}");
        }
    }

    #[test]
    fn an_object_stays_on_its_page() {
        let mut inventory = Inventory::default();
        let id = |number: usize| ObjectId::parse(&format!("shop/secrets/sc-x{number}-secret")).unwrap();
        let count = LARGEST_PAGE / line(&id(1000), DeletionPolicy::Retain).len() + 1500;
        (0..count).for_each(|number| inventory.note(&id(number), DeletionPolicy::Retain));
        let before = inventory.pages();
        assert_eq!(before.len(), 2);
        assert!(before[0].len() <= LARGEST_PAGE && before[0].len() > LARGEST_PAGE - 40, "{}", before[0].len());

        inventory.retain(|found, _| *found != id(0));
        inventory.note(&id(1), DeletionPolicy::Delete);
        inventory.note(&id(count), DeletionPolicy::Retain);
        let after = inventory.pages();
        assert_eq!(after[1], before[1], "nothing moved");
        assert!(after[0].contains("sc-x1-secret Delete") && !after[0].contains("sc-x0-secret") && after[0].contains(&format!("sc-x{count}-secret")));
    }
}
