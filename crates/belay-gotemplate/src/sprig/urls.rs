//! URLs taken apart and put together, as Go's `net/url` does.

use crate::format::go_quote;
use crate::function::{FunctionError, Functions};
use crate::value::Type::String as Str;
use crate::value::{Element, Kind, Map, Type, Value};

const DICT: Type = Type::Map(Element::Any);

pub(super) fn register(functions: &mut Functions) {
    functions.add("urlParse", [Str], DICT, |_, arguments| {
        let text = arguments.text(0)?;
        let url = Url::parse(text).map_err(|error| format!("unable to parse url: {error}"))?;
        let dict = Map::of(Element::Any);
        let userinfo = url.user.as_ref().map(User::text).unwrap_or_default();
        let hostname = hostname(&url.host).to_vec();
        for (key, value) in [
            ("scheme", url.scheme),
            ("host", url.host),
            ("hostname", hostname),
            ("path", url.path),
            ("query", url.query),
            ("opaque", url.opaque),
            ("fragment", url.fragment),
            ("userinfo", userinfo),
        ] {
            dict.insert(key, Value::string(value));
        }
        Ok(dict.into())
    });
    functions.add("urlJoin", [DICT], Str, |_, arguments| {
        let dict = arguments.map(0)?;
        let part = |key: &str| part_of(&dict, key);
        let mut url = Url {
            scheme: part("scheme")?,
            host: part("host")?,
            path: part("path")?,
            query: part("query")?,
            opaque: part("opaque")?,
            fragment: part("fragment")?,
            ..Url::default()
        };
        let userinfo = part("userinfo")?;
        if !userinfo.is_empty() {
            let whole = [b"proto://", &userinfo[..], b"@host"].concat();
            let parsed = Url::parse(&whole);
            url.user = parsed.map_err(|error| format!("unable to parse userinfo in dict: {error}"))?.user;
        }
        Ok(Value::string(url.text()))
    });
    // Resolving names is the host's decision; Helm, too, answers nothing unless it is told to ask.
    functions.add("getHostByName", [Str], Str, |_, _| Ok(Value::string("")));
}

fn part_of(dict: &Map, key: &str) -> Result<Vec<u8>, FunctionError> {
    match dict.get(key) {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(text.to_vec()),
        Some(value) if value.kind() == Kind::Invalid => {
            Err("runtime error: invalid memory address or nil pointer dereference".into())
        }
        Some(value) => {
            let kind = value.kind().name();
            Err(format!("unable to parse {key} key, must be of type string, but {kind} found").into())
        }
    }
}

/// A URL as Go's `net/url` takes it apart.
#[derive(Clone, Debug, Default)]
pub struct Url {
    scheme: Vec<u8>,
    user: Option<User>,
    host: Vec<u8>,
    path: Vec<u8>,
    /// The path as it was written, where Go would write it otherwise.
    raw_path: Vec<u8>,
    query: Vec<u8>,
    /// Written with a question mark and nothing behind it.
    has_bare_query: bool,
    opaque: Vec<u8>,
    fragment: Vec<u8>,
    /// Written as `scheme:/path`.
    omits_host: bool,
}

#[derive(Clone, Debug)]
struct User {
    name: Vec<u8>,
    password: Option<Vec<u8>>,
}

impl User {
    fn text(&self) -> Vec<u8> {
        let mut text = escape(&self.name, Place::User);
        if let Some(password) = &self.password {
            text.push(b':');
            text.extend(escape(password, Place::User));
        }
        text
    }
}

/// Where in a URL a text stands: each place has its own bytes that need no escape.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    User,
    Host,
    Zone,
    Path,
    Fragment,
}

impl Place {
    fn may_stand(self, byte: u8) -> bool {
        let others: &[u8] = match self {
            Self::User => b"$&+,;=",
            Self::Host | Self::Zone => b"!$&'()*+,;=:[]<>\"",
            Self::Path => b"$&+,/:;=@",
            Self::Fragment => b"$&+,/:;=?@!()*",
        };
        byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || others.contains(&byte)
    }
}

fn escape(text: &[u8], place: Place) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        if place.may_stand(*byte) {
            out.push(*byte);
        } else {
            out.extend(format!("%{byte:02X}").into_bytes());
        }
    }
    out
}

fn unescape(text: &[u8], place: Place) -> Result<Vec<u8>, String> {
    let is_host = matches!(place, Place::Host | Place::Zone);
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        if *byte != b'%' {
            if is_host && byte.is_ascii() && !place.may_stand(*byte) {
                return Err(format!("invalid character {} in host name", go_quote(&[*byte])));
            }
            out.push(*byte);
            at += 1;
            continue;
        }
        let sequence = &text[at..text.len().min(at + 3)];
        let wrong = || format!("invalid URL escape {}", go_quote(sequence));
        let digit = |index: usize| sequence.get(index).and_then(|digit| char::from(*digit).to_digit(16));
        let (high, low) = digit(1).zip(digit(2)).ok_or_else(wrong)?;
        let decoded = (high * 16 + low) as u8;
        let is_allowed = sequence == b"%25"
            || match place {
                Place::Host => high >= 8,
                Place::Zone => decoded == b' ' || Place::Host.may_stand(decoded),
                _ => true,
            };
        if !is_allowed {
            return Err(wrong());
        }
        out.push(decoded);
        at += 3;
    }
    Ok(out)
}

fn cut(text: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == separator) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

fn parse_before_fragment(text: &[u8]) -> Result<Url, String> {
    if text.iter().any(u8::is_ascii_control) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    let (scheme, rest) = split_scheme(text)?;
    let (mut rest, query) = cut(rest, b'?');
    let mut url = Url {
        scheme: scheme.to_ascii_lowercase(),
        has_bare_query: query.is_some_and(<[u8]>::is_empty),
        query: query.unwrap_or_default().to_vec(),
        ..Url::default()
    };
    if !rest.starts_with(b"/") {
        if !scheme.is_empty() {
            url.opaque = rest.to_vec();
            return Ok(url);
        }
        if cut(rest, b'/').0.contains(&b':') {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
    }
    let has_authority = !scheme.is_empty() || !rest.starts_with(b"///");
    if let Some(after) = rest.strip_prefix(b"//").filter(|_| has_authority) {
        let end = after.iter().position(|byte| *byte == b'/').unwrap_or(after.len());
        let (authority, path) = after.split_at(end);
        (url.user, url.host) = parse_authority(&url.scheme, authority)?;
        rest = path;
    } else {
        url.omits_host = !scheme.is_empty();
    }
    url.set_path(rest)?;
    Ok(url)
}

fn split_scheme(text: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let end = text.iter().position(|byte| !is_part(byte)).unwrap_or(text.len());
    if text.get(end) != Some(&b':') {
        return Ok((b"", text));
    }
    match text[0] {
        b':' => Err("missing protocol scheme".to_owned()),
        first if first.is_ascii_alphabetic() => Ok((&text[..end], &text[end + 1..])),
        _ => Ok((b"", text)),
    }
}

fn parse_authority(scheme: &[u8], authority: &[u8]) -> Result<(Option<User>, Vec<u8>), String> {
    let Some(at) = authority.iter().rposition(|byte| *byte == b'@') else {
        return Ok((None, parse_host(scheme, authority)?));
    };
    let host = parse_host(scheme, &authority[at + 1..])?;
    let userinfo = &authority[..at];
    let may_stand = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte);
    if !userinfo.iter().all(may_stand) {
        return Err("net/url: invalid userinfo".to_owned());
    }
    let (name, password) = cut(userinfo, b':');
    let name = unescape(name, Place::User)?;
    let password = password.map(|password| unescape(password, Place::User)).transpose()?;
    Ok((Some(User { name, password }), host))
}

fn parse_host(scheme: &[u8], host: &[u8]) -> Result<Vec<u8>, String> {
    match host.iter().rposition(|byte| *byte == b'[') {
        Some(0) => return parse_bracketed_host(host),
        Some(_) => return Err("invalid IP-literal".to_owned()),
        None => {}
    }
    let is_web = matches!(scheme, b"http" | b"https");
    let is_colon = |byte: &u8| *byte == b':';
    let colon = if is_web { host.iter().position(is_colon) } else { host.iter().rposition(is_colon) };
    check_port(&host[colon.unwrap_or(host.len())..])?;
    unescape(host, Place::Host)
}

fn check_port(port: &[u8]) -> Result<(), String> {
    let is_valid = is_port(port);
    if is_valid { Ok(()) } else { Err(format!("invalid port {} after host", go_quote(port))) }
}

fn is_port(port: &[u8]) -> bool {
    port.split_first().is_none_or(|(colon, digits)| *colon == b':' && digits.iter().all(u8::is_ascii_digit))
}

/// `[fe80::1%25en0]:80`
fn parse_bracketed_host(host: &[u8]) -> Result<Vec<u8>, String> {
    let close = host.iter().rposition(|byte| *byte == b']').ok_or("missing ']' in host")?;
    let (name, port) = (&host[1..close], &host[close + 1..]);
    check_port(port)?;
    let zone = name.windows(3).position(|window| window == b"%25");
    let (address, zone) = name.split_at(zone.unwrap_or(name.len()));
    let mut unescaped = unescape(address, Place::Host)?;
    unescaped.extend(unescape(zone, Place::Zone)?);
    let text = String::from_utf8_lossy(&unescaped);
    let address = text.split_once('%').map_or(&*text, |(address, _)| address);
    if address.parse::<std::net::Ipv4Addr>().is_ok() {
        return Err("invalid IP-literal".to_owned());
    }
    if address.parse::<std::net::Ipv6Addr>().is_err() || text.ends_with('%') {
        let shown = go_quote(&unescaped);
        return Err(format!("invalid host: ParseAddr({shown}): unable to parse IP"));
    }
    Ok([b"[", &unescaped[..], b"]", port].concat())
}

/// The host without its port and brackets.
fn hostname(host: &[u8]) -> &[u8] {
    let colon = host.iter().rposition(|byte| *byte == b':').filter(|colon| is_port(&host[*colon..]));
    let name = &host[..colon.unwrap_or(host.len())];
    name.strip_prefix(b"[").and_then(|inner| inner.strip_suffix(b"]")).unwrap_or(name)
}

impl Url {
    /// The parts of a URL or of a reference to one; the error is Go's.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let (before, fragment) = cut(text, b'#');
        let named = |whole: &[u8], error: String| format!("parse {}: {error}", go_quote(whole));
        let mut url = parse_before_fragment(before).map_err(|error| named(before, error))?;
        let fragment = unescape(fragment.unwrap_or_default(), Place::Fragment);
        url.fragment = fragment.map_err(|error| named(text, error))?;
        Ok(url)
    }

    /// `http` and the like, in small letters; empty for a relative reference.
    pub fn scheme(&self) -> &[u8] {
        &self.scheme
    }

    /// The host with its port.
    pub fn host(&self) -> &[u8] {
        &self.host
    }

    /// The host without its port and brackets.
    pub fn hostname(&self) -> &[u8] {
        hostname(&self.host)
    }

    /// The path as it was written, if Go would write it otherwise.
    pub fn raw_path(&self) -> &[u8] {
        &self.raw_path
    }

    /// What stands behind the scheme when that is no path: `a:b` of `urn:a:b`.
    pub fn opaque(&self) -> &[u8] {
        &self.opaque
    }

    /// Puts something behind the scheme that is no path.
    pub fn set_opaque(&mut self, opaque: &[u8]) {
        self.opaque = opaque.to_vec();
    }

    /// What a reference found at this URL refers to.
    pub fn resolve(&self, reference: &Self) -> Self {
        let mut url = reference.clone();
        if reference.scheme.is_empty() {
            url.scheme.clone_from(&self.scheme);
        }
        if !reference.scheme.is_empty() || !reference.host.is_empty() || reference.user.is_some() {
            url.set_resolved_path(&reference.escaped_path());
            return url;
        }
        if reference.path.is_empty() {
            if !reference.has_bare_query && reference.query.is_empty() {
                url.query.clone_from(&self.query);
            }
            if !self.opaque.is_empty() {
                url.opaque.clone_from(&self.opaque);
                return url;
            }
        }
        url.host.clone_from(&self.host);
        url.user.clone_from(&self.user);
        url.set_resolved_path(&path_from(&self.escaped_path(), &reference.escaped_path()));
        url
    }

    fn set_path(&mut self, written: &[u8]) -> Result<(), String> {
        self.path = unescape(written, Place::Path)?;
        self.raw_path = match escape(&self.path, Place::Path) == written {
            true => Vec::new(),
            false => written.to_vec(),
        };
        Ok(())
    }

    /// The path is an escaped one, which has no fault.
    fn set_resolved_path(&mut self, path: &[u8]) {
        let resolved = without_dots(path);
        if self.set_path(&resolved).is_err() {
            self.path = resolved;
        }
    }

    fn escaped_path(&self) -> Vec<u8> {
        let may_stand = |byte: &u8| Place::Path.may_stand(*byte) || b"!'()*[]%".contains(byte);
        let is_good = !self.raw_path.is_empty() && self.raw_path.iter().all(may_stand);
        if is_good && unescape(&self.raw_path, Place::Path).is_ok_and(|path| path == self.path) {
            return self.raw_path.clone();
        }
        if self.path == b"*" { b"*".to_vec() } else { escape(&self.path, Place::Path) }
    }

    /// The URL in one piece.
    pub fn text(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.scheme.is_empty() {
            out.extend_from_slice(&self.scheme);
            out.push(b':');
        }
        if self.opaque.is_empty() {
            self.write_place(&mut out);
        } else {
            out.extend_from_slice(&self.opaque);
        }
        if self.has_bare_query || !self.query.is_empty() {
            out.push(b'?');
            out.extend_from_slice(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push(b'#');
            out.extend(escape(&self.fragment, Place::Fragment));
        }
        out
    }

    fn write_place(&self, out: &mut Vec<u8>) {
        let has_host = !self.host.is_empty();
        let has_path = !self.scheme.is_empty() && !self.path.is_empty() && !self.omits_host;
        if has_host || self.user.is_some() || has_path {
            out.extend_from_slice(b"//");
        }
        if let Some(user) = &self.user {
            out.extend(user.text());
            out.push(b'@');
        }
        out.extend(escape(&self.host, Place::Host));
        let path = self.escaped_path();
        if !path.is_empty() && !path.starts_with(b"/") && has_host {
            out.push(b'/');
        }
        if out.is_empty() && cut(&path, b'/').0.contains(&b':') {
            out.extend_from_slice(b"./");
        }
        out.extend(path);
    }
}

/// The path that a path refers to where another one is the base.
fn path_from(base: &[u8], reference: &[u8]) -> Vec<u8> {
    if reference.is_empty() {
        return base.to_vec();
    }
    if reference.starts_with(b"/") {
        return reference.to_vec();
    }
    let folder = base.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    [&base[..folder], reference].concat()
}

/// The path with its `.` and `..` carried out; it begins with a slash unless it is empty.
fn without_dots(path: &[u8]) -> Vec<u8> {
    if path.is_empty() {
        return Vec::new();
    }
    let path = path.strip_prefix(b"/").unwrap_or(path);
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut ends_in_folder = false;
    for segment in path.split(|byte| *byte == b'/') {
        ends_in_folder = matches!(segment, b"." | b"..");
        match segment {
            b"." => {}
            b".." => drop(kept.pop()),
            name => kept.push(name),
        }
    }
    if ends_in_folder {
        kept.push(b"");
    }
    [b"/", &kept.join(&b'/')[..]].concat()
}
