from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_goffline.protocol.redirect_uris import redirect_uri_problem


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("https://app.example.com/goffline/callback/", "web"),
        ("https://app.example.com:8443/cb?x=1", "web"),
        ("https://xn--bcher-kva.example.com/cb", "web"),
        ("http://localhost:8000/cb", "web"),
        ("http://127.0.0.1/cb", "web"),
        ("http://[::1]:8000/cb", "web"),
        ("https://app.example.com/a..b/c", "web"),
        ("http://localhost", "installed"),
        ("http://127.0.0.1:49152/", "installed"),
        ("http://[::1]:1/", "installed"),
    ],
)
def test_good(uri, kind):
    assert redirect_uri_problem(uri, kind=kind) is None


@pytest.mark.parametrize(
    ("uri", "kind", "rule"),
    [
        ("", "web", "printable"),
        ("https://app.example.com/ü", "web", "printable"),
        ("https://app.example.com/a b", "web", "printable"),
        ("https://*.example.com/", "web", "'*'"),
        ("https://app.example.com/%zz", "web", "percent"),
        ("https://app.example.com/%00", "web", "NUL"),
        ("https://app.example.com\\@evil.example/", "web", "backslash"),
        ("urn:ietf:wg:oauth:2.0:oob", "installed", "out-of-band"),
        ("app.example.com/cb", "web", "https://"),
        ("com.example.app:/cb", "installed", "https://"),
        ("https:///cb", "web", "host"),
        ("https://app.example.com:x/", "web", "valid URL"),
        ("https://[::1/", "web", "valid URL"),
        ("https://app.example.com/#x", "web", "fragment"),
        ("https://app.example.com/#", "web", "fragment"),
        ("https://user:pass@app.example.com/", "web", "user name"),
        ("https://app.example.com/../cb", "web", "'/..'"),
        ("https://app.example.com/%2e%2E/cb", "web", "'/..'"),
        ("http://app.example.com/cb", "web", "https, except"),
        ("https://192.0.2.1/cb", "web", "IP address"),
        ("https://[2001:db8::1]/cb", "web", "IP address"),
        ("https://intranet/cb", "web", "public top-level"),
        ("https://app.local/cb", "web", "public top-level"),
        ("https://app.test/cb", "web", "public top-level"),
        ("https://x.googleusercontent.com/cb", "web", "googleusercontent"),
        ("https://app.example.com/cb", "installed", "installed"),
    ],
)
def test_rules(uri, kind, rule):
    assert rule in redirect_uri_problem(uri, kind=kind)


@given(st.text(), st.sampled_from(["web", "installed"]))
def test_any_text_gets_an_answer(text, kind):
    assert redirect_uri_problem(f"https://{text}", kind=kind) != ""
