"""The page that makes consent links: whom, what for, until when; and the answer, which shows each link once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.core.validators import validate_email
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext_lazy as _

from ..conf import settings
from ..exceptions import ConsentRequestError, KeyRingError
from ..flows import consent
from ..models import Grant, OAuthClient
from .base import wish_time, write_alias
from .fields import ScopesField

#: Links that one form makes at most.
MOST_LINKS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeLink:
    """One link, on its way to the page that shows it."""

    addressee: str
    url: str = field(repr=False)
    expires_at: Any


class ConsentLinkForm(forms.Form):
    """Who is asked, for what, until when, and in which form the link comes."""

    users = forms.CharField(
        label=_("Users of this site"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
    )
    emails = forms.CharField(
        label=_("Expected Google accounts"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text=_(
            "E-mail addresses, one a line; a link for each, which no other account can answer. With one user: that "
            "user's account. If both fields are empty, or a link is not proved otherwise, the grant waits for approval."
        ),
    )
    scopes = ScopesField(label=_("Scopes"), help_text=_("Further scopes: full URIs, one a line."))
    purpose = forms.CharField(
        label=_("Purpose"),
        max_length=300,
        required=False,
        widget=forms.TextInput(attrs={"size": 80}),
        help_text=_("One sentence that the person reads on our page."),
    )
    days = forms.FloatField(
        label=_("Valid for days"),
        min_value=0.01,
        max_value=365,
        required=False,
        help_text=_("Empty: as the settings have it. A direct Google URL lives one day at most."),
    )
    link = forms.ChoiceField(
        label=_("Form of the link"),
        choices=(
            ("page", _("A link to our own page, which explains and can be withdrawn")),
            ("direct", _("A direct Google URL: short-lived, for scripts and operators")),
        ),
        initial="page",
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, repairs: Grant | None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.repairs = repairs
        if repairs is not None:
            # The grant says who is asked.
            del self.fields["users"], self.fields["emails"]
            return
        users = get_user_model()
        key: Any = users._meta.get_field(users.USERNAME_FIELD)
        self.fields["users"].help_text = _(
            "One a line, each by its %(name)s; a link for each, which nobody else can use."
        ) % {"name": key.verbose_name}

    def clean_users(self) -> list[Any]:
        """The users that are named; unknown and inactive ones are refused."""
        names = _lines(self.cleaned_data["users"])
        model = get_user_model()
        found = {
            user.get_username(): user
            for user in model._default_manager.filter(**{f"{model.USERNAME_FIELD}__in": names})
        }
        wrong = [_("There is no user “%s”.") % name for name in names if name not in found]
        wrong += [
            _("The user “%s” is inactive.") % name
            for name in names
            if name in found and not found[name].is_active
        ]
        if wrong:
            raise forms.ValidationError(wrong)
        return [found[name] for name in names]

    def clean_emails(self) -> list[str]:
        """The addresses, each checked for its form."""
        emails = _lines(self.cleaned_data["emails"])
        for email in emails:
            validate_email(email)
        return emails

    def clean(self) -> dict[str, Any]:
        """Several users and several accounts together would leave open who is who."""
        cleaned = super().clean() or self.cleaned_data
        users, emails = cleaned.get("users") or [], cleaned.get("emails") or []
        if users and emails and (len(users) > 1 or len(emails) > 1):
            raise forms.ValidationError(
                _("Name several users, or several accounts, or one of each.")
            )
        if max(len(users), len(emails)) > MOST_LINKS:
            raise forms.ValidationError(_("At most %d links at once.") % MOST_LINKS)
        return cleaned

    def addressees(self) -> Sequence[tuple[Any, str]]:
        """A user (or None) and an expected account (or an empty string) for each link."""
        users = self.cleaned_data.get("users") or []
        emails = self.cleaned_data.get("emails") or []
        if users and emails:
            return [(users[0], emails[0])]
        return [(user, "") for user in users] + [(None, email) for email in emails] or [(None, "")]


class ConsentLinkPage:
    """The form for one client, or for one grant that is to be repaired (``?repairs=<primary key>``)."""

    def __init__(self, context: dict[str, Any]) -> None:
        self.context = context
        self.using = write_alias(OAuthClient)

    def answer(self, request: HttpRequest, client_pk: int) -> HttpResponse:
        """The form; or, once it is filled in well, the links."""
        client = OAuthClient.objects.using(self.using).filter(pk=client_pk).first()
        if client is None:
            raise Http404
        repairs = self._repairs(request, client)
        wanted = repairs.wanted_scopes if repairs else client.default_scopes
        initial = {"scopes": wanted or settings.DEFAULT_SCOPES}
        form = ConsentLinkForm(request.POST or None, initial=initial, repairs=repairs)
        context = {**self.context, "client": client, "repairs": repairs}
        if request.method == "POST" and form.is_valid():
            try:
                made = self._make(request, form, client)
            except (ConsentRequestError, KeyRingError) as error:
                form.add_error(None, str(error))
            else:
                return self._links(request, {**context, "links": made})
        return TemplateResponse(
            request, "admin/goffline/consent_link.html", {**context, "form": form}
        )

    def _links(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        page = TemplateResponse(request, "admin/goffline/consent_link_made.html", context)
        # The links are secrets: in no cache, no history of the proxy, and gone with the page.
        add_never_cache_headers(page)
        page["Referrer-Policy"] = "same-origin"
        return page

    def _repairs(self, request: HttpRequest, client: OAuthClient) -> Grant | None:
        wanted = request.GET.get("repairs", "")
        if not wanted:
            return None
        grants = Grant.objects.using(self.using).filter(client=client).select_related("user")
        grant = grants.filter(pk=wanted).first() if wanted.isdecimal() else None
        if grant is None:
            raise Http404
        # Set by the relation it was read for: the flow compares clients.
        grant.client = client
        return grant

    def _make(
        self, request: HttpRequest, form: ConsentLinkForm, client: OAuthClient
    ) -> list[MadeLink]:
        days = form.cleaned_data["days"]
        now = wish_time(self.using)
        made = []
        with transaction.atomic(using=self.using):
            for user, email in form.addressees():
                started = consent.start(
                    client=client,
                    scopes=form.cleaned_data["scopes"],
                    user=form.repairs.user if form.repairs else user,
                    asked_by=request.user,  # type: ignore[arg-type]
                    purpose=form.cleaned_data["purpose"],
                    expected_email=email,
                    repairs=form.repairs,
                    lifetime=timedelta(days=days) if days else None,
                    direct=form.cleaned_data["link"] == "direct",
                    now=now,
                    using=self.using,
                )
                addressee = str(form.repairs or email or user or _("whoever you send it to"))
                made.append(
                    MadeLink(
                        addressee=addressee, url=started.url, expires_at=started.request.expires_at
                    )
                )
        return made


def _lines(text: str) -> list[str]:
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
