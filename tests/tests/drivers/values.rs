//! The values that are put in as each credential in turn: ordinary ones, and those that break a grammar that is written carelessly.

/// A value without any trouble, which every read is compared with.
pub(crate) const ORDINARY: &str = "Pw0rd";
/// The same for account keys, which some clients decode at once.
pub(crate) const ORDINARY_KEY: &str = "aB3+dE9f/Gh1jK2lMn4oP5qR6sT7uV8wX9yZ0aB1cA==";

const VALUES: &[&str] = &[
    ORDINARY,
    ORDINARY_KEY,
    // Tried by hand against all drivers before there was a grammar: the passwords of the escaping table.
    "p;a'b\"c",
    "p@a/b:c?d#e",
    "p%41 b\\c",
    "pä✓",
    " lead",
    "trail ",
    "a=b=",
    "p+&$x,y`{z}`",
    "p,q;r=1",
    "\\back\\",
    "{br}}ace'",
    "pw)(@tcp/x?",
    "p%zz+q r",
    "\"q\"uo\"",
    // One character at a time, and what quotes it.
    "'",
    "''",
    "'quoted'",
    "\"",
    "\"quoted\"",
    "`",
    "\\",
    "\\'",
    "\\\"",
    "back\\",
    "{",
    "}",
    "{braced}",
    "}}",
    "%",
    "%00",
    "%2f",
    "+",
    "&",
    "=",
    ";",
    ";;",
    ",",
    ":",
    "a:b:c",
    "@",
    "user@server",
    "/",
    "//x",
    "?",
    "#x",
    "*!~^|<>()",
    "[::1]",
    // Blanks and what looks like one.
    "two  blanks",
    " both ends ",
    "tab\tin",
    "\ttab first",
    "line\nbreak",
    "carriage\r\nreturn",
    "ends in a line\n",
    "no\u{a0}break",
    "line\u{2028}separator",
    "\u{7f}delete\u{1}",
    // Beyond ASCII and beyond the first plane, composed and not.
    "ÄÖÜßéñ",
    "e\u{301}",
    "😀",
    "👩\u{200d}💻",
    "日本語",
    // Placeholders of Spring, and of a shell.
    "a${HOME}b",
    "${x:-y}${",
    "\\${HOME}",
    "${${HOME}",
    "${a{b}",
    "\\${a${b}",
    "$(id) $$ #{1+1}",
    // What an attacker would write.
    " x host=evil.example sslmode=disable",
    ";Password=evil;Server=evil.example",
    "&sslmode=disable&user=evil",
    "@evil.example:1/x?y=z#",
    // The longest key of an account, as Azure makes them.
    "Zm9vYmFyYmF6cXV4K2Zvby9iYXIrYmF6L3F1eCtmb28vYmFyK2Jhei9xdXgrZm9vL2JhcitiYXovcXV4K3p6eg==",
];

/// All values: those of the list, one of 512 characters, and one that nothing can carry.
pub(crate) fn all() -> Vec<String> {
    let long = "a;B'c\"D@e:F/g?H#i%J\\k=L&m nÖp😀".chars().cycle().take(512).collect();
    VALUES.iter().map(|value| (*value).to_owned()).chain([long, "nul\0byte".to_owned()]).collect()
}

/// Whether a value is base64 of some bytes, written in the one proper way.
pub(crate) fn is_base64(value: &str) -> bool {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(value).is_ok_and(|bytes| !bytes.is_empty())
}
