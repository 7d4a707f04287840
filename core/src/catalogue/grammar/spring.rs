//! Spring properties, in which `${…}` is resolved as a placeholder, inside credentials too (`PlaceholderParser` of Spring 6.2).

/// Writes a property such that Spring reads back exactly `value`.
///
/// A backslash is taken away only before a `${` that is closed; before another it would stay.
pub(crate) fn escape(value: &str) -> String {
    let (mut written, mut rest) = (String::new(), value);
    while let Some((before, after)) = rest.split_once("${") {
        written += before;
        written += if is_closed(after) { "\\${" } else { "${" };
        rest = after;
    }
    written + rest
}

/// Whether a placeholder that was opened ends in this text. Any brace in it is closed first.
fn is_closed(text: &str) -> bool {
    let mut open = 1_usize;
    for c in text.chars() {
        match c {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn only_a_placeholder_that_is_closed_is_escaped() {
        assert_eq!(escape("${x:-y}${"), "\\${x:-y}${");
        assert_eq!(escape("${${HOME}"), "${\\${HOME}");
        assert_eq!(escape("${a{b}"), "${a{b}");
        assert_eq!(escape("}${"), "}${");
        assert_eq!(escape("\\${HOME}"), "\\\\${HOME}");
    }
}
