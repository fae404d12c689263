//! Certificates as Go's `x509.CreateCertificate` makes them, and as much of one as signing needs.

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use super::asn1::{self, Reader, bit_string, context, integer, sequence, value};
use super::keys::PrivateKey;
use crate::function::{Call, FunctionError};
use crate::options::Moment;
use crate::sprig::dates::{format_moment, later};

type Result<T, E = String> = std::result::Result<T, E>;

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 0x0e];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const AUTHORITY_KEY_ID: &[u8] = &[0x55, 0x1d, 0x23];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const SERVER_AUTHENTICATION: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
const CLIENT_AUTHENTICATION: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];
const TRUE: &[u8] = &[0x01, 0x01, 0xff];
const DAY: i64 = 86_400_000_000_000;

/// What a certificate shall say.
pub(super) struct Request {
    serial: [u8; 16],
    common_name: String,
    from: Moment,
    until: Moment,
    pub(super) is_authority: bool,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) names: Vec<String>,
}

impl Request {
    pub(super) fn new(
        call: &Call<'_>,
        function: &str,
        common_name: &[u8],
        days: i64,
    ) -> Result<Self, FunctionError> {
        let mut serial = [0; 16];
        call.random(function)?.fill(&mut serial);
        let from = Moment { offset: 0, ..call.clock(function)?.now() };
        let Ok(common_name) = String::from_utf8(common_name.to_vec()) else {
            return Err("error creating certificate: asn1: structure error: invalid UTF-8 string".into());
        };
        let until = later(from, days.wrapping_mul(DAY));
        Ok(Self {
            serial,
            common_name,
            from,
            until,
            is_authority: false,
            addresses: Vec::new(),
            names: Vec::new(),
        })
    }
}

/// The parts of a certificate that one signed by it needs.
pub(super) struct Issuer {
    subject: Vec<u8>,
    key: Vec<u8>,
    key_id: Option<Vec<u8>>,
}

impl Issuer {
    pub(super) fn parse(der: &[u8]) -> Result<Self> {
        let mut input = Reader(der);
        let mut outer = Reader(input.take(asn1::SEQUENCE).ok_or("x509: malformed certificate")?);
        let mut body = Reader(outer.take(asn1::SEQUENCE).ok_or("x509: malformed tbs certificate")?);
        let version = match body.take(context(0)) {
            None => 0,
            Some(version) => match Reader(version).take_integer().ok_or("x509: malformed version")? {
                [version @ 0..=2] => *version,
                _ => return Err("x509: invalid version".into()),
            },
        };
        body.take(asn1::INTEGER).ok_or("x509: malformed serial number")?;
        let inner =
            body.take_whole(asn1::SEQUENCE).ok_or("x509: malformed signature algorithm identifier")?;
        if outer.take_whole(asn1::SEQUENCE).ok_or("x509: malformed algorithm identifier")? != inner {
            return Err("x509: inner and outer signature algorithm identifiers don't match".into());
        }
        body.take(asn1::SEQUENCE).ok_or("x509: malformed issuer")?;
        body.take(asn1::SEQUENCE).ok_or("x509: malformed validity")?;
        let subject = body.take_whole(asn1::SEQUENCE).ok_or("x509: malformed issuer")?.to_vec();
        let key = body.take_whole(asn1::SEQUENCE).ok_or("x509: malformed spki")?.to_vec();
        let mut extensions = Reader(&[]);
        if version == 2
            && let Some(list) = body.take(context(3))
        {
            extensions = Reader(Reader(list).take(asn1::SEQUENCE).ok_or("x509: malformed extensions")?);
        }
        let key_id = subject_key_id(extensions)?;
        outer.take_bits().ok_or("x509: malformed signature")?;
        if !input.is_empty() {
            return Err("x509: trailing data".into());
        }
        Ok(Self { subject, key, key_id })
    }
}

fn subject_key_id(mut extensions: Reader<'_>) -> Result<Option<Vec<u8>>> {
    while !extensions.is_empty() {
        let mut extension = Reader(extensions.take(asn1::SEQUENCE).ok_or("x509: malformed extension")?);
        let id = extension.take(asn1::OBJECT).ok_or("x509: malformed extension OID field")?;
        let content = extension.0.strip_prefix(TRUE).unwrap_or(extension.0);
        let content =
            Reader(content).take(asn1::OCTET_STRING).ok_or("x509: malformed extension value field")?;
        if id == SUBJECT_KEY_ID {
            let id =
                Reader(content).take(asn1::OCTET_STRING).ok_or("x509: invalid subject key identifier")?;
            return Ok(Some(id.to_vec()));
        }
    }
    Ok(None)
}

/// The certificate for the key, signed by the issuer or by itself.
pub(super) fn certificate(
    request: &Request,
    key: &PrivateKey,
    issuer: Option<(&Issuer, &PrivateKey)>,
) -> Result<Vec<u8>> {
    let signer = issuer.map_or(key, |(_, key)| key);
    let algorithm = signer.signature_algorithm()?;
    let (public, public_bits) = key.public()?;
    let subject = name(&request.common_name);
    let parent = issuer.map_or(&subject, |(issuer, _)| &issuer.subject);
    let parent_id = issuer.and_then(|(issuer, _)| issuer.key_id.as_ref()).filter(|_| *parent != subject);
    if let Some((issuer, key)) = issuer
        && key.public()?.0 != issuer.key
    {
        return Err("x509: provided PrivateKey doesn't match parent's PublicKey".into());
    }
    let validity = sequence(&[&time(request.from), &time(request.until)]);
    let own_id = request.is_authority.then(|| Sha256::digest(&public_bits)[..20].to_vec());
    let extensions = extensions(request, &subject, own_id.as_deref(), parent_id.map(Vec::as_slice))?;
    let body = sequence(&[
        &value(context(0), &integer(&[2])),
        &integer(&request.serial),
        &algorithm,
        parent,
        &validity,
        &subject,
        &public,
        &value(context(3), &extensions),
    ]);
    let signature = signer.sign(&body)?;
    Ok(sequence(&[&body, &algorithm, &bit_string(&signature)]))
}

/// A distinguished name that has only a common name.
fn name(common_name: &str) -> Vec<u8> {
    if common_name.is_empty() {
        return sequence(&[]);
    }
    let tag = if common_name.bytes().all(is_printable) { asn1::PRINTABLE_STRING } else { asn1::UTF8_STRING };
    let pair = sequence(&[&value(asn1::OBJECT, COMMON_NAME), &value(tag, common_name.as_bytes())]);
    sequence(&[&value(asn1::SET, &pair)])
}

/// The characters of a PrintableString.
fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte)
}

/// UTCTime while its two digits of the year can say it.
fn time(moment: Moment) -> Vec<u8> {
    let year = format_moment(moment, "", "2006");
    if ("1950".."2050").contains(&&*year) {
        value(asn1::UTC_TIME, format_moment(moment, "", "060102150405Z").as_bytes())
    } else {
        value(asn1::GENERALIZED_TIME, format_moment(moment, "", "20060102150405Z").as_bytes())
    }
}

fn extensions(
    request: &Request,
    subject: &[u8],
    own_id: Option<&[u8]>,
    parent_id: Option<&[u8]>,
) -> Result<Vec<u8>> {
    let is_authority = request.is_authority;
    // Digital signature, key encipherment, and signing certificates.
    let usage: &[u8] = if is_authority { &[2, 0b1010_0100] } else { &[5, 0b1010_0000] };
    let extended = [SERVER_AUTHENTICATION, CLIENT_AUTHENTICATION].map(|usage| value(asn1::OBJECT, usage));
    let constraints = sequence(if is_authority { &[TRUE] } else { &[] });
    let mut all = vec![
        extension(KEY_USAGE, true, &value(asn1::BIT_STRING, usage)),
        extension(EXTENDED_KEY_USAGE, false, &sequence(&[&extended[0], &extended[1]])),
        extension(BASIC_CONSTRAINTS, true, &constraints),
    ];
    if let Some(id) = own_id {
        all.push(extension(SUBJECT_KEY_ID, false, &value(asn1::OCTET_STRING, id)));
    }
    if let Some(id) = parent_id {
        all.push(extension(AUTHORITY_KEY_ID, false, &sequence(&[&value(0x80, id)])));
    }
    let names = alternative_names(request)?;
    if !names.is_empty() {
        let is_critical = *subject == sequence(&[]);
        all.push(extension(ALTERNATIVE_NAME, is_critical, &value(asn1::SEQUENCE, &names)));
    }
    Ok(value(asn1::SEQUENCE, &all.concat()))
}

fn alternative_names(request: &Request) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    for name in &request.names {
        if !name.is_ascii() {
            let name = crate::format::go_quote(name.as_bytes());
            return Err(format!("x509: {name} cannot be encoded as an IA5String"));
        }
        all.extend(value(0x82, name.as_bytes()));
    }
    for address in &request.addresses {
        all.extend(match address.to_canonical() {
            IpAddr::V4(address) => value(0x87, &address.octets()),
            IpAddr::V6(address) => value(0x87, &address.octets()),
        });
    }
    Ok(all)
}

fn extension(id: &[u8], is_critical: bool, content: &[u8]) -> Vec<u8> {
    let critical = if is_critical { TRUE } else { &[] };
    sequence(&[&value(asn1::OBJECT, id), critical, &value(asn1::OCTET_STRING, content)])
}
