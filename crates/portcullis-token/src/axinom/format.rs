//! The family `axinom` for callers that learn the family at run time.

use portcullis_base::{
    KeyId, Rng, Timestamp,
    json::{Object, Value},
};

use super::{
    CommunicationKey, Endless, Envelope, Tenant, encrypt_key, issue, issue::message_of, verify,
    walk::Walk,
};
use crate::{
    claims::Claims,
    fault::Refused,
    format::{
        About, Explanation, Format, Given, GivenFault, Issued, Need, ParamKind, Request, Verdict,
        param,
    },
    jws,
    watch::Recorder,
};

/// The family `axinom`.
#[derive(Debug)]
pub struct Axinom;

static ABOUT: About = About {
    name: "axinom",
    title: "Axinom DRM license service message",
    source: "Axinom License Service Message 1, Entitlement Message 1 and 2",
    keys: &[
        param("com_key_id", ParamKind::Text, Need::Required, "the communication key's id, a GUID"),
        param("com_key", ParamKind::Secret, Need::Required, "the communication key in base64"),
        param("leeway", ParamKind::Span, Need::Optional, "by how much clocks may differ; 30 s"),
        param(
            "danger_endless",
            ParamKind::Flag,
            Need::Optional,
            "accept messages without `expiration_date`",
        ),
    ],
    says: &[
        param("message_id", ParamKind::Text, Need::Optional, "`id`, a GUID; random if left out"),
        param("begin_date", ParamKind::Time, Need::Optional, "when it begins"),
        param("expiration_date", ParamKind::Time, Need::Optional, "when it ends"),
        param("message", ParamKind::Json, Need::Optional, "a whole entitlement message"),
        param("key_id", ParamKind::Text, Need::Repeated, "a key the license may hold"),
        param(
            "content_key",
            ParamKind::Secret,
            Need::Repeated,
            "a key to bring along, as KID=HEX; it is encrypted",
        ),
        param("license", ParamKind::Json, Need::Optional, "the section `license`"),
        param("license_server", ParamKind::Json, Need::Optional, "the section `license_server`"),
        param("user_id", ParamKind::Text, Need::Optional, "the viewer"),
    ],
    token: "the value of `X-AxDRM-Message`",
    weaknesses: &[
        "`expiration_date` is optional: a message without one is good for as long as its key",
        "who can verify can issue, and can read every content key: the key is a shared secret",
    ],
};

impl Format for Axinom {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn resembles(&self, token: &str) -> bool {
        jws::unverified_claims(token).is_some_and(|claims| claims.contains_key("com_key_id"))
    }

    fn find_in(&self, _: &Given, request: &Request) -> Result<Option<String>, Refused> {
        let header = request.header("x-axdrm-message").map(str::to_owned);
        jws::only_one(header.chain(request.parameter("AxDrmMessage").map(str::to_owned)))
    }

    fn verify(
        &self,
        given: &Given,
        token: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Verdict, GivenFault> {
        let tenant = tenant(given)?.ok_or(GivenFault::Missing { name: "com_key" })?;
        Ok(verify(token, &tenant, request, now))
    }

    fn explain(
        &self,
        given: &Given,
        token: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Explanation, GivenFault> {
        let tenant = tenant(given)?;
        let request = (!request.is_unsaid()).then_some(request);
        let walk = Walk { tenant: tenant.as_ref(), request, now };
        let mut recorder = Recorder::default();
        let Ok(claims) = walk.go(token, &mut recorder);
        let (format, fields) = (ABOUT.name, jws::shown(token));
        Ok(Explanation::found(format, fields, recorder.checks, claims.as_ref()))
    }

    fn issue(&self, given: &Given, now: Timestamp, rng: &dyn Rng) -> Result<Issued, GivenFault> {
        let tenant = tenant(given)?.ok_or(GivenFault::Missing { name: "com_key" })?;
        let key = tenant.keys.first().ok_or(GivenFault::Missing { name: "com_key" })?;
        let message = match given.object("message")? {
            Some(message) => message,
            None => message(given, key)?,
        };
        let id = given.text("message_id")?.map_or_else(|| random_id(rng), str::to_owned);
        let envelope = Envelope {
            id: Some(&id),
            begin: given.time("begin_date", now)?,
            end: given.time("expiration_date", now)?,
            message: &message,
        };
        let token = issue(&envelope, key).map_err(GivenFault::denied)?;
        check(&token, &tenant, envelope.begin.map_or(now, |begin| begin.max(now)))?;
        let carriage = vec![
            ("header", format!("X-AxDRM-Message: {token}")),
            ("query", format!("AxDrmMessage={token}")),
        ];
        Ok(Issued { token, carriage })
    }

    fn fields_of(&self, claims: &Claims) -> Given {
        let mut given = Given::new();
        given.add_some("begin_date", claims.start.map(|time| time.to_string()));
        given.add_some("expiration_date", claims.end.map(|time| time.to_string()));
        given.add("message", Value::Object(message_of(claims)).to_string());
        given
    }
}

fn tenant(given: &Given) -> Result<Option<Tenant>, GivenFault> {
    let Some(secret) = given.base64("com_key")? else { return Ok(None) };
    let expected = "a GUID";
    let id = given.read("com_key_id", expected, |text| text.parse().ok())?;
    let id = id.ok_or(GivenFault::Missing { name: "com_key_id" })?;
    let key = CommunicationKey::new(id, secret);
    let endless = match given.flag("danger_endless")? {
        true => Endless::DangerAccepted,
        false => Endless::Refused,
    };
    Ok(Some(Tenant {
        keys: vec![key.map_err(|error| GivenFault::key("com_key", error))?],
        leeway: given.span("leeway")?.unwrap_or(std::time::Duration::from_secs(30)),
        endless,
    }))
}

/// The message that single fields describe.
fn message(given: &Given, key: &CommunicationKey) -> Result<Object, GivenFault> {
    let mut items: Vec<Value> = Vec::new();
    let mut list = |kid: KeyId, encrypted: Option<String>| {
        let mut item = Object::new();
        item.insert("id".into(), kid.to_string().into());
        if let Some(encrypted) = encrypted {
            item.insert("encrypted_key".into(), encrypted.into());
        }
        items.push(Value::Object(item));
    };
    for kid in given.kids("key_id")? {
        list(kid, None);
    }
    for text in given.all("content_key") {
        let fault = || GivenFault::Value { name: "content_key", expected: "KID=HEX of 16 bytes" };
        let (kid, digits) = text.split_once('=').ok_or_else(fault)?;
        let kid = kid.parse().map_err(|_| fault())?;
        let mut content_key = zeroize::Zeroizing::new([0; 16]);
        hex::decode_to_slice(digits, content_key.as_mut_slice()).map_err(|_| fault())?;
        list(kid, Some(encrypt_key(key, kid, &content_key).map_err(GivenFault::denied)?));
    }
    let source = [("inline".to_owned(), Value::Array(items))].into_iter().collect();
    let mut message = Object::new();
    message.insert("type".into(), "entitlement_message".into());
    message.insert("version".into(), 2.into());
    message.insert("content_keys_source".into(), Value::Object(source));
    for name in ["license", "license_server"] {
        if let Some(section) = given.object(name)? {
            message.insert(name.into(), Value::Object(section));
        }
    }
    if let Some(user) = given.text("user_id")? {
        let session = [("user_id".to_owned(), user.into())].into_iter().collect();
        message.insert("session".into(), Value::Object(session));
    }
    Ok(message)
}

/// Refuses to issue what a verifier would refuse whatever is asked for.
fn check(token: &str, tenant: &Tenant, now: Timestamp) -> Result<(), GivenFault> {
    let walk = Walk { tenant: Some(tenant), request: None, now };
    let mut recorder = Recorder::default();
    let Ok(_) = walk.go(token, &mut recorder);
    let explanation =
        Explanation { format: ABOUT.name, fields: vec![], checks: recorder.checks, claims: None };
    if let Some((_, fault)) = explanation.fault() {
        return Err(GivenFault::Denied(format!("the message would be refused: {fault}")));
    }
    Ok(())
}

fn random_id(rng: &dyn Rng) -> String {
    let mut bytes = [0; 16];
    rng.fill(&mut bytes);
    KeyId::from_bytes(bytes).to_string()
}
