//! Spring properties, in which `${…}` is resolved as a placeholder, inside credentials too (seen with Spring Boot 3.4.1).

/// Writes a property such that Spring reads back exactly `value`.
pub(crate) fn escape(value: &str) -> String {
    value.replace("${", "\\${")
}
