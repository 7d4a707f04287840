//! Readers of connection strings, each after the rules of its clients and without a line of core's: what a client would make of what it was given.

/// Name and value of each property, in order, or what is wrong with the string.
pub type Properties = Result<Vec<(String, String)>, String>;

/// A libpq keyword string, as `conninfo_parse` of PostgreSQL's `fe-connect.c` reads it.
pub fn libpq(text: &str) -> Properties {
    let is_space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c');
    let mut chars = text.chars().peekable();
    let mut properties = Vec::new();
    loop {
        while chars.next_if(|c| is_space(*c)).is_some() {}
        if chars.peek().is_none() {
            return Ok(properties);
        }
        let mut name = String::new();
        while let Some(c) = chars.next_if(|c| *c != '=' && !is_space(*c)) {
            name.push(c);
        }
        while chars.next_if(|c| is_space(*c)).is_some() {}
        chars.next_if_eq(&'=').ok_or(format!("missing \"=\" after {name:?}"))?;
        while chars.next_if(|c| is_space(*c)).is_some() {}
        let is_quoted = chars.next_if_eq(&'\'').is_some();
        let mut value = String::new();
        loop {
            match chars.next_if(|c| is_quoted || !is_space(*c)) {
                Some('\'') if is_quoted => break,
                Some('\\') => value.extend(chars.next()),
                Some(c) => value.push(c),
                None if is_quoted => return Err("unterminated quoted string".to_owned()),
                None => break,
            }
        }
        properties.push((name, value));
    }
}

/// A JDBC URL of PostgreSQL, as pgjdbc's `Driver.parseURL` reads it: first the server and the database, without names, then the query.
pub fn jdbc(text: &str) -> Properties {
    let rest = text.strip_prefix("jdbc:postgresql://").ok_or("not a URL of PostgreSQL")?;
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (server, database) = place.split_once('/').ok_or("no database")?;
    let mut properties = vec![(String::new(), server.to_owned()), (String::new(), url_decoded(database)?)];
    for token in query.split('&').filter(|token| !token.is_empty()) {
        let (name, value) = token.split_once('=').unwrap_or((token, ""));
        properties.push((name.to_owned(), url_decoded(value)?));
    }
    Ok(properties)
}

/// What Java's `URLDecoder` makes of a text: a plus is a blank there.
fn url_decoded(text: &str) -> Result<String, String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&digits, 16).map_err(|_| format!("illegal % in {text:?}"))?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| format!("no UTF-8 in {text:?}"))
}

/// An ADO.NET string, as `DbConnectionStringBuilder` of .NET reads it.
pub fn ado(text: &str) -> Properties {
    let mut rest = text.trim_start_matches([' ', ';']);
    let mut properties = Vec::new();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').ok_or(format!("no \"=\" in {rest:?}"))?;
        let (value, after) = ado_value(after.trim_start())?;
        properties.push((name.trim().to_owned(), value));
        let after = after.trim_start();
        rest = if after.is_empty() { after } else { after.strip_prefix(';').ok_or(format!("{after:?} after a quoted value"))? };
        rest = rest.trim_start_matches(|c: char| c == ';' || c.is_whitespace());
    }
    Ok(properties)
}

/// A value, and what comes after it.
fn ado_value(text: &str) -> Result<(String, &str), String> {
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        let end = text.find(';').unwrap_or(text.len());
        return Ok((text[..end].trim().to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut rest = &text[1..];
    loop {
        let end = rest.find(quote).ok_or("unterminated quoted value")?;
        value.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        if !rest.starts_with(quote) {
            return Ok((value, rest));
        }
        value.push(quote);
        rest = &rest[1..];
    }
}
