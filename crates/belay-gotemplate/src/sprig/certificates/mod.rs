//! Private keys and certificates. Keys, serial numbers and times come from the host's random source
//! and clock, so the same source gives the same certificate.

mod asn1;
mod keys;
mod montgomery;
mod pem;
mod primes;
mod x509;

use std::any::Any as AnyObject;
use std::borrow::Cow;
use std::net::IpAddr;

use super::encoding::base64_decode;
use crate::function::{Arguments, Call, FunctionError, Functions};
use crate::host::HostObject;
use crate::value::Type::{Int, String as Str};
use crate::value::{Element, Text, Type, Value};
use keys::PrivateKey;
use x509::{Issuer, Request};

const CERTIFICATE: Type = Type::Named("sprig.certificate");
const LIST: Type = Type::List(Element::Any);
const CA_KEY_BITS: usize = 2048;

type Result<T> = std::result::Result<T, FunctionError>;

pub(super) fn register(functions: &mut Functions) {
    functions.add("genPrivateKey", [Str], Str, |call, arguments| {
        let kind = arguments.text(0)?.to_str();
        Ok(Value::string(match keys::generate(call, &kind)? {
            Some(key) => key.to_pem(),
            None => format!("Unknown type {kind}"),
        }))
    });
    functions.add("buildCustomCert", [Str, Str], CERTIFICATE, |_, arguments| custom(arguments));
    functions.add("genCA", [Str, Int], CERTIFICATE, |call, arguments| {
        let key = new_key(call, "genCA")?;
        authority(call, "genCA", arguments, &key)
    });
    functions.add("genCAWithKey", [Str, Int, Str], CERTIFICATE, |call, arguments| {
        let key = given_key(arguments, 2)?;
        authority(call, "genCAWithKey", arguments, &key)
    });
    functions.add("genSelfSignedCert", [Str, LIST, LIST, Int], CERTIFICATE, |call, arguments| {
        let request = named_request(call, "genSelfSignedCert", arguments)?;
        finish(&request, &new_key(call, "genSelfSignedCert")?, None)
    });
    functions.add("genSelfSignedCertWithKey", [Str, LIST, LIST, Int, Str], CERTIFICATE, |call, arguments| {
        let key = given_key(arguments, 4)?;
        finish(&named_request(call, "genSelfSignedCertWithKey", arguments)?, &key, None)
    });
    functions.add("genSignedCert", [Str, LIST, LIST, Int, CERTIFICATE], CERTIFICATE, |call, arguments| {
        let (issuer, issuer_key) = signer(arguments)?;
        let request = named_request(call, "genSignedCert", arguments)?;
        finish(&request, &new_key(call, "genSignedCert")?, Some((&issuer, &issuer_key)))
    });
    functions.add(
        "genSignedCertWithKey",
        [Str, LIST, LIST, Int, CERTIFICATE, Str],
        CERTIFICATE,
        |call, arguments| {
            let key = given_key(arguments, 5)?;
            let (issuer, issuer_key) = signer(arguments)?;
            let request = named_request(call, "genSignedCertWithKey", arguments)?;
            finish(&request, &key, Some((&issuer, &issuer_key)))
        },
    );
}

/// Go's `sprig.certificate`: a certificate and its key as PEM.
struct Certificate {
    certificate: Text,
    key: Text,
}

impl HostObject for Certificate {
    fn type_name(&self) -> Cow<'static, str> {
        "sprig.certificate".into()
    }

    fn as_any(&self) -> &dyn AnyObject {
        self
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Cert" => Some(Value::String(self.certificate.clone())),
            "Key" => Some(Value::String(self.key.clone())),
            _ => None,
        }
    }

    fn fields(&self) -> Vec<(Cow<'static, str>, Value)> {
        ["Cert", "Key"].into_iter().filter_map(|name| Some((name.into(), self.field(name)?))).collect()
    }

    fn to_json(&self) -> Option<serde_json::Value> {
        Some(serde_json::json!({ "Cert": self.certificate.to_str(), "Key": self.key.to_str() }))
    }
}

/// A key of the size sprig takes for certificates.
fn new_key(call: &mut Call<'_>, function: &str) -> Result<PrivateKey> {
    keys::generate_rsa(call, function, CA_KEY_BITS)
}

fn given_key(arguments: Arguments<'_>, index: usize) -> Result<PrivateKey> {
    PrivateKey::from_pem(arguments.text(index)?)
        .map_err(|error| format!("parsing private key: {error}").into())
}

fn authority(
    call: &mut Call<'_>,
    function: &str,
    arguments: Arguments<'_>,
    key: &PrivateKey,
) -> Result<Value> {
    let mut request = Request::new(call, function, arguments.text(0)?, arguments.int(1)?)?;
    request.is_authority = true;
    finish(&request, key, None)
}

/// The certificate that signs, and its key.
fn signer(arguments: Arguments<'_>) -> Result<(Issuer, PrivateKey)> {
    let Value::Host(object) = arguments.value(4)? else {
        return Err("the signer is not a certificate".into());
    };
    let Some(signer) = object.as_any().downcast_ref::<Certificate>() else {
        return Err("the signer is not a certificate".into());
    };
    let block = pem::decode(&signer.certificate).ok_or("unable to decode certificate")?;
    let issuer = Issuer::parse(&block.bytes)
        .map_err(|error| format!("error parsing certificate: decodedSignerCert.Bytes: {error}"))?;
    let key =
        PrivateKey::from_pem(&signer.key).map_err(|error| format!("error parsing private key: {error}"))?;
    Ok((issuer, key))
}

/// A request with the addresses and names of the second and third argument.
fn named_request(call: &mut Call<'_>, function: &str, arguments: Arguments<'_>) -> Result<Request> {
    let addresses = addresses(arguments.list(1)?.items())?;
    let names = names(arguments.list(2)?.items())?;
    let mut request = Request::new(call, function, arguments.text(0)?, arguments.int(3)?)?;
    (request.addresses, request.names) = (addresses, names);
    Ok(request)
}

fn finish(request: &Request, key: &PrivateKey, issuer: Option<(&Issuer, &PrivateKey)>) -> Result<Value> {
    let der = x509::certificate(request, key, issuer)
        .map_err(|error| FunctionError::new(format!("error creating certificate: {error}")))?;
    let certificate = pem::encode("CERTIFICATE", &der).into();
    Ok(Value::host(Certificate { certificate, key: key.to_pem().into() }))
}

fn addresses(items: &[Value]) -> Result<Vec<IpAddr>> {
    let mut addresses = Vec::with_capacity(items.len());
    for item in items {
        let Some(text) = item.as_str() else {
            let shown = String::from_utf8_lossy(&crate::format::sprint_one(item)).into_owned();
            return Err(format!("error parsing ip: {shown} is not a string").into());
        };
        addresses.push(text.parse().map_err(|_| format!("error parsing ip: {text}"))?);
    }
    Ok(addresses)
}

fn names(items: &[Value]) -> Result<Vec<String>> {
    let mut names = Vec::with_capacity(items.len());
    for item in items {
        let Some(text) = item.as_str() else {
            let shown = String::from_utf8_lossy(&crate::format::sprint_one(item)).into_owned();
            return Err(format!("error processing alternate dns name: {shown} is not a string").into());
        };
        names.push(text.into_owned());
    }
    Ok(names)
}

fn custom(arguments: Arguments<'_>) -> Result<Value> {
    let certificate = base64_decode(arguments.text(0)?).map_err(|_| "unable to decode base64 certificate")?;
    let key = base64_decode(arguments.text(1)?).map_err(|_| "unable to decode base64 private key")?;
    let block = pem::decode(&certificate).ok_or("unable to decode certificate")?;
    Issuer::parse(&block.bytes)
        .map_err(|error| format!("error parsing certificate: decodedCert.Bytes: {error}"))?;
    PrivateKey::from_pem(&key).map_err(|error| format!("error parsing private key: {error}"))?;
    Ok(Value::host(Certificate { certificate: certificate.into(), key: key.into() }))
}
