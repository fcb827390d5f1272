"""ID tokens, userinfo, tokeninfo, keys, discovery."""

from __future__ import annotations

import base64
import json

from cryptography import x509

from django_goffline.testing.fake_google import FakeGoogle, Switches

from .application import ADA, CALLBACK, EMAIL, NOON, READONLY, Application, refused


def claims_of(id_token):
    segment = id_token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))


def test_the_claims(app):
    account = app.fake.add_account(
        "eve@example.org", name="Eve of Org", hosted_domain="example.org"
    )
    code = app.callback(
        email=account.email, nonce="planted-nonce", scope=f"openid email profile {READONLY}"
    )["code"]
    claims = claims_of(app.exchange(code).json()["id_token"])
    noon = int(NOON.timestamp())
    assert claims.pop("at_hash")
    assert claims == {
        "iss": "https://accounts.google.com",
        "azp": app.client.client_id,
        "aud": app.client.client_id,
        "sub": account.sub,
        "hd": "example.org",
        "email": "eve@example.org",
        "email_verified": True,
        "nonce": "planted-nonce",
        "name": "Eve of Org",
        "given_name": "Eve",
        "family_name": "of Org",
        "iat": noon,
        "exp": noon + 3600,
    }


def test_a_refresh_has_no_nonce_and_no_profile_without_scope(app):
    tokens = app.connect(nonce="planted-nonce")
    claims = claims_of(app.refresh(tokens["refresh_token"]).json()["id_token"])
    assert {"nonce", "name", "hd"} & claims.keys() == set()


def test_the_other_forms_of_claims():
    fake = FakeGoogle(switches=Switches(email_verified_is_string=True, issuer_without_scheme=True))
    fake.add_account(ADA)
    app = Application(fake=fake, client=fake.add_client(redirect_uris=[CALLBACK]))
    claims = claims_of(app.connect()["id_token"])
    assert (claims["iss"], claims["email_verified"]) == ("accounts.google.com", "true")


def test_without_openid_there_is_no_identity(app):
    tokens = app.connect(scope=READONLY)
    assert "id_token" not in tokens
    answer = app.send("GET", "/v1/userinfo", bearer=tokens["access_token"])
    assert refused(answer) == (401, "invalid_request")


def test_userinfo_in_both_shapes(app):
    token = app.connect(scope="openid email profile")["access_token"]
    sub = app.fake.oauth.accounts[ADA].sub
    modern = app.send("GET", "/v1/userinfo", bearer=token).json()
    legacy = app.send("GET", "/oauth2/v2/userinfo", bearer=token).json()
    assert (modern["sub"], modern["email"], modern["email_verified"]) == (sub, ADA, True)
    assert (modern["name"], modern["family_name"]) == ("Ada Lovelace", "Lovelace")
    assert (legacy["id"], legacy["verified_email"]) == (sub, True)
    assert "sub" not in legacy


def test_userinfo_without_a_good_token(app):
    for bearer in (None, "ya29.unknown"):
        answer = app.send("GET", "/v1/userinfo", bearer=bearer)
        assert answer.status == 401
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_tokeninfo_of_an_access_token(app):
    tokens = app.connect()
    app.fake.clock.advance(99)
    info = app.send("GET", "/tokeninfo", query={"access_token": tokens["access_token"]}).json()
    assert set(info.pop("scope").split()) == {"openid", EMAIL, READONLY}
    assert info == {
        "azp": app.client.client_id,
        "aud": app.client.client_id,
        "sub": app.fake.oauth.accounts[ADA].sub,
        "exp": str(int(NOON.timestamp()) + 3599),
        "expires_in": "3500",
        "email": ADA,
        "email_verified": "true",
        "access_type": "offline",
    }
    for other in (tokens["refresh_token"], "x"):
        answer = app.send("GET", "/tokeninfo", query={"access_token": other})
        assert refused(answer) == (400, "invalid_token")


def test_tokeninfo_of_an_id_token(app):
    token = app.connect()["id_token"]
    info = app.send("POST", "/tokeninfo", form=[("id_token", token)]).json()
    assert (info["email"], info["email_verified"]) == (ADA, "true")
    content, _, signature = token.rpartition(".")
    for forged in (f"{content}x.{signature}", "a.b.c", "", "e30.e30.e30"):
        answer = app.send("POST", "/tokeninfo", form=[("id_token", forged)])
        assert refused(answer) == (400, "invalid_token")
    app.fake.clock.advance(3600)
    assert refused(app.send("GET", "/tokeninfo", query={"id_token": token}))[0] == 400


def test_keys_come_in_two_forms_and_rotate(app):
    before = app.connect()["id_token"]
    app.fake.oauth.keys.rotate()
    after = app.connect(prompt="consent")["id_token"]
    jwks = app.send("GET", "/oauth2/v3/certs")
    certificates = app.send("GET", "/oauth2/v1/certs").json()
    assert "max-age" in jwks.headers["Cache-Control"]
    assert [key["kid"] for key in jwks.json()["keys"]] == list(certificates)
    assert len(certificates) == 2
    for key, pem in zip(jwks.json()["keys"], certificates.values(), strict=True):
        number = x509.load_pem_x509_certificate(pem.encode()).public_key().public_numbers().n
        modulus = base64.urlsafe_b64decode(key["n"] + "=" * (-len(key["n"]) % 4))
        assert int.from_bytes(modulus, "big") == number
    keys = app.fake.oauth.keys
    assert keys.verified(before) is not None
    assert keys.verified(after) is not None
    keys.rotate()
    assert keys.verified(before) is None


def test_discovery_names_the_fakes_own_urls(app):
    document = app.send("GET", "/.well-known/openid-configuration").json()
    assert document["issuer"] == "https://accounts.google.com"
    urls = [value for name, value in document.items() if name.endswith(("_endpoint", "_uri"))]
    assert len(urls) == 5
    assert all(url.startswith("http://fake.localhost/") for url in urls)
    app.fake.oauth.issuer = "https://issuer.example"
    assert claims_of(app.connect()["id_token"])["iss"] == "https://issuer.example"


def test_other_paths_are_not_found(app):
    assert app.send("GET", "/nothing").status == 404
    assert app.send("GET", "/token").status == 404
