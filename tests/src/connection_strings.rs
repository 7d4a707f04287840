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

/// An ODBC string or a JDBC URL of SQL Server, as their drivers read it: braces quote, `}}` is one `}`. What stands before the first `;` of a URL has no name.
pub fn odbc(text: &str) -> Properties {
    let mut properties = Vec::new();
    let mut rest = text;
    if text.starts_with("jdbc:") {
        let (server, after) = text.split_once(';').unwrap_or((text, ""));
        properties.push((String::new(), server.to_owned()));
        rest = after;
    }
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').ok_or(format!("no \"=\" in {rest:?}"))?;
        let (value, after) = braced(after)?;
        properties.push((name.to_owned(), value));
        rest = if after.is_empty() { after } else { after.strip_prefix(';').ok_or(format!("{after:?} after a value"))? };
    }
    Ok(properties)
}

/// A value, and what comes after it.
fn braced(text: &str) -> Result<(String, &str), String> {
    let Some(mut rest) = text.strip_prefix('{') else {
        let end = text.find(';').unwrap_or(text.len());
        return Ok((text[..end].trim().to_owned(), &text[end..]));
    };
    let mut value = String::new();
    loop {
        let end = rest.find('}').ok_or("an open brace")?;
        value.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        let Some(after) = rest.strip_prefix('}') else { return Ok((value, rest)) };
        value.push('}');
        rest = after;
    }
}

/// `Key=Value;` of the Azure SDKs, which split at each `;` and then at the first `=`.
pub fn key_value(text: &str) -> Properties {
    let part = |part: &str| part.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or(format!("no \"=\" in {part:?}"));
    text.split(';').filter(|part| !part.trim().is_empty()).map(part).collect()
}

/// A string of StackExchange.Redis: `ConfigurationOptions` splits at each `,`, trims, and splits at the first `=`.
pub fn stackexchange_redis(text: &str) -> Properties {
    let part =
        |part: &str| part.trim().split_once('=').map_or((String::new(), part.trim().to_owned()), |(name, value)| (name.to_owned(), value.to_owned()));
    Ok(text.split(',').map(part).collect())
}

/// A DSN of go-sql-driver, as its `ParseDSN` splits it: at the last `/`, the last `@` before it, and the first `:`.
pub fn go_mysql(text: &str) -> Properties {
    let (place, path) = text.rsplit_once('/').ok_or("no database")?;
    let (login, server) = place.rsplit_once('@').unwrap_or(("", place));
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let (database, query) = path.split_once('?').unwrap_or((path, ""));
    let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut properties = vec![own("user", user), own("password", password), own("server", server), ("database".into(), url_decoded(database)?)];
    properties.extend(query_of(query)?);
    Ok(properties)
}

/// A URI, or a JDBC URL: user, password, server and path, then the query.
pub fn url(text: &str) -> Properties {
    let (_, rest) = text.split_once("://").ok_or("no scheme")?;
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (server, path) = place.split_once('/').ok_or("no path")?;
    let (login, server) = server.rsplit_once('@').unwrap_or(("", server));
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let mut properties = Vec::new();
    for (name, value) in [("user", user), ("password", password), ("server", server), ("path", path)] {
        properties.push((name.to_owned(), url_decoded(&value.replace('+', "%2B"))?));
    }
    properties.extend(query_of(query)?);
    Ok(properties)
}

fn query_of(query: &str) -> Properties {
    let part =
        |part: &str| part.split_once('=').map_or(Ok((part.to_owned(), String::new())), |(name, value)| Ok((name.to_owned(), url_decoded(value)?)));
    query.split('&').filter(|part| !part.is_empty()).map(part).collect()
}

/// The options of a JAAS configuration, as Kafka's `JaasConfig` reads it with Java's `StreamTokenizer`: quoted, with `\` before what is meant literally.
pub fn jaas(text: &str) -> Properties {
    let (_, mut rest) = text.split_once(" required ").ok_or("no control flag")?;
    let mut properties = Vec::new();
    while !rest.starts_with(';') {
        let (name, after) = rest.trim_start().split_once("='").ok_or(format!("no option in {rest:?}"))?;
        let mut value = String::new();
        let mut chars = after.char_indices();
        let end = loop {
            match chars.next().ok_or("an open quote")? {
                (place, '\'') => break place,
                (_, '\\') => value.extend(chars.next().map(|(_, c)| match c {
                    'n' => '\n',
                    'r' => '\r',
                    other => other,
                })),
                (_, '\n' | '\r') => return Err("a line ends inside quotes".into()),
                (_, c) => value.push(c),
            }
        };
        properties.push((name.to_owned(), value));
        rest = &after[end + 1..];
    }
    Ok(properties)
}
