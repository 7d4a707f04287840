//! Spring properties, in which `${…}` is resolved as a placeholder, inside credentials too.
//!
//! `\${` is a literal `${` only from Spring 6.2 on; before, the placeholder is resolved all the same, and the value of another variable gets into a
//! password. A placeholder with a default, `${sc.literal:$}`, is that default in either (run with spring-core 6.1.14 and 6.2.1). Backslashes before
//! it go into the default, where they escape nothing.

/// Writes a property such that Spring reads back exactly `value`.
pub(crate) fn escape(value: &str) -> String {
    let (mut written, mut rest) = (String::new(), value);
    while let Some((before, after)) = rest.split_once("${") {
        let text = before.trim_end_matches('\\');
        let backslashes = &before[text.len()..];
        written.extend([text, "${sc.literal:", backslashes, "$}{"]);
        rest = after;
    }
    written + rest
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn a_placeholder_becomes_one_with_a_default() {
        assert_eq!(escape("a$b{c}"), "a$b{c}");
        assert_eq!(escape("a${HOME}"), "a${sc.literal:$}{HOME}");
        assert_eq!(escape("${${HOME}"), "${sc.literal:$}{${sc.literal:$}{HOME}");
        assert_eq!(escape("a\\\\${HOME}\\"), "a${sc.literal:\\\\$}{HOME}\\");
    }
}
