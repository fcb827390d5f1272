"""OAuth clients in the admin: import of Google's file, the write-only secret, the way to consent links."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..exceptions import ConsentRequestError, KeyRingError
from ..flows.import_client import import_client
from ..gateway import redirect_uri
from ..models import Grant, OAuthClient
from ..protocol.client_secrets import ClientSecretsError
from ..protocol.redirect_uris import redirect_uri_problem
from .base import GofflineAdmin, actor, badge, moment, wish_time, write_alias
from .consent_links import ConsentLinkPage
from .fields import ScopesField

#: Google's files have some 500 bytes.
LARGEST_FILE = 64 * 1024


class OAuthClientForm(forms.ModelForm):  # type: ignore[type-arg]
    """A client; its secret can be replaced and never read."""

    new_client_secret = forms.CharField(
        label=_("New client secret"),
        required=False,
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("Leave it empty to keep the stored one, which is never shown."),
    )
    default_scopes = ScopesField(
        label=_("Default scopes"),
        required=False,
        help_text=_("Asked for when a consent link names none. Empty: GOFFLINE['DEFAULT_SCOPES']."),
    )

    class Meta:
        model = OAuthClient
        fields = (
            "name",
            "client_id",
            "project_id",
            "kind",
            "redirect_uri",
            "default_scopes",
            "hosted_domain",
            "publishing_status",
            "authorization_style",
            "quota_per_minute",
        )

    def clean(self) -> dict[str, Any]:
        """Google's rules for the redirect URI, named here and not on its error page."""
        cleaned = super().clean() or self.cleaned_data
        uri = cleaned.get("redirect_uri", "")
        problem = redirect_uri_problem(uri, kind=cleaned.get("kind", "web")) if uri else None
        if problem:
            self.add_error("redirect_uri", _("Google would refuse it: %s.") % problem)
        return cleaned


class ImportForm(forms.Form):
    """The file that Google's console offers for an OAuth client."""

    file = forms.FileField(
        label=_("client_secret.json"),
        help_text=_("In Google's console: Clients, the client, Download JSON."),
    )
    name = forms.CharField(
        label=_("Name"),
        max_length=200,
        required=False,
        help_text=_("How it is called here; empty: its project's name."),
    )

    def clean_file(self) -> bytes:
        """The file's bytes."""
        file = self.cleaned_data["file"]
        if file.size > LARGEST_FILE:
            raise forms.ValidationError(_("The file is too large to be an OAuth client's."))
        return bytes(file.read())


class OAuthClientAdmin(GofflineAdmin):
    """OAuth clients."""

    form = OAuthClientForm
    list_display = ("name", "project_id", "kind", "state", "active_grants", "publishing_status")
    list_filter = ("kind", "publishing_status")
    search_fields = ("name", "client_id", "project_id")
    actions = ("make_consent_link", "pause", "resume")
    readonly_fields = (
        "secret_state",
        "uri_to_register",
        "state",
        "paused_at",
        "paused_reason",
        "held_until",
        "created_at",
    )
    fieldsets = (
        (None, {"fields": ("name", "client_id", "secret_state", "new_client_secret")}),
        (
            _("At Google"),
            {"fields": ("project_id", "kind", "publishing_status", "quota_per_minute")},
        ),
        (
            _("Consent"),
            {
                "fields": (
                    "uri_to_register",
                    "redirect_uri",
                    "default_scopes",
                    "hosted_domain",
                    "authorization_style",
                )
            },
        ),
        (
            _("State"),
            {"fields": ("state", "paused_at", "paused_reason", "held_until", "created_at")},
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[OAuthClient]:
        """Clients, each with the number of its active grants."""
        active = Count("grants", filter=Q(grants__state=Grant.State.ACTIVE))
        clients: QuerySet[OAuthClient] = super().get_queryset(request)
        return clients.annotate(active_grants=active)

    def get_urls(self) -> list[URLPattern]:
        """Two pages more: import, and consent link."""
        wrap = self.admin_site.admin_view
        own = [
            path("import/", wrap(self.import_page), name="goffline_oauthclient_import"),
            path(
                "<int:pk>/consent-link/",
                wrap(self.consent_link_page),
                name="goffline_oauthclient_consent_link",
            ),
        ]
        return self.outside_of_requests_transaction(own) + super().get_urls()

    def save_model(
        self,
        request: HttpRequest,
        obj: OAuthClient,
        form: forms.ModelForm[OAuthClient],
        change: bool,
    ) -> None:
        """A new secret is stored; an empty field keeps the old one."""
        if secret := form.cleaned_data.get("new_client_secret"):
            obj.client_secret = secret
        super().save_model(request, obj, form, change)

    def changed_columns(self, form: forms.ModelForm[OAuthClient]) -> list[str]:
        """The form's columns, and the secret when there is a new one."""
        columns = super().changed_columns(form)
        return [*columns, "client_secret"] if "new_client_secret" in form.changed_data else columns

    @admin.display(description=_("client secret"))
    def secret_state(self, obj: OAuthClient) -> str:
        """Whether there is one."""
        return str(_("set")) if obj.client_secret else str(_("not set"))

    @admin.display(description=_("redirect URI to register"))
    def uri_to_register(self, obj: OAuthClient) -> str:
        """What has to be among the authorized redirect URIs in Google's console, to the letter."""
        try:
            return redirect_uri(obj)
        except ConsentRequestError as error:
            return str(error)

    @admin.display(description=_("state"))
    def state(self, obj: OAuthClient) -> str:
        """Whether Google may be called with it."""
        if obj.paused_at:
            return badge("bad", _("paused: %s") % (obj.paused_reason or _("by hand")))
        if not obj.is_usable(timezone.now()):
            return badge("wait", _("held back until %s") % moment(obj.held_until))
        return badge("good", _("in use"))

    @admin.display(description=_("active grants"), ordering="active_grants")
    def active_grants(self, obj: Any) -> int:
        """Number of grants that are refreshed."""
        return int(obj.active_grants)

    @admin.action(description=_("Make a consent link…"), permissions=["consent_link"])
    def make_consent_link(
        self, request: HttpRequest, queryset: QuerySet[OAuthClient]
    ) -> HttpResponse | None:
        """Go on to the form, for one client."""
        clients = list(queryset[:2])
        if len(clients) != 1:
            self.message_user(request, _("Select exactly one client."), messages.WARNING)
            return None
        return HttpResponseRedirect(
            reverse(
                "admin:goffline_oauthclient_consent_link",
                args=[clients[0].pk],
                current_app=self.admin_site.name,
            )
        )

    @admin.action(description=_("Pause: no more calls to Google"), permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[OAuthClient]) -> None:
        """Stop all calls with these clients."""
        using = write_alias(OAuthClient)
        clients = OAuthClient.objects.using(using).filter(pk__in=queryset.values("pk"))
        number = clients.pause(now=wish_time(using), reason=(_("by %s") % actor(request))[:100])
        self.message_user(request, _("%d clients are paused now.") % number)

    @admin.action(description=_("Resume"), permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[OAuthClient]) -> None:
        """Allow calls again."""
        using = write_alias(OAuthClient)
        clients = OAuthClient.objects.using(using).filter(pk__in=queryset.values("pk"))
        self.message_user(request, _("%d clients may be used.") % clients.resume())

    def has_consent_link_permission(self, request: HttpRequest) -> bool:
        """Whether the person may make consent links."""
        return self.may(request, "make_consent_link")

    def import_page(self, request: HttpRequest) -> HttpResponse:
        """Upload of the console's file: makes a client, or renews the one that it describes."""
        if not (self.has_add_permission(request) and self.has_change_permission(request)):
            raise PermissionDenied
        form = ImportForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            try:
                imported = import_client(
                    form.cleaned_data["file"],
                    name=form.cleaned_data["name"],
                    using=write_alias(OAuthClient),
                )
            except (ClientSecretsError, KeyRingError) as error:
                form.add_error("file", str(error))
            else:
                log = self.log_addition if imported.created else self.log_change
                log(request, imported.client, _("Imported from a client_secret.json."))
                self.message_user(request, imported.sentence, messages.SUCCESS)
                if imported.unregistered_uri:
                    self.message_user(
                        request,
                        _("Add this redirect URI to the client in Google's console: %s")
                        % imported.unregistered_uri,
                        messages.WARNING,
                    )
                return HttpResponseRedirect(
                    reverse(
                        "admin:goffline_oauthclient_change",
                        args=[imported.client.pk],
                        current_app=self.admin_site.name,
                    )
                )
        context = {**self.page_context(request, _("Import client_secret.json")), "form": form}
        return TemplateResponse(request, "admin/goffline/import_client.html", context)

    def consent_link_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form that makes consent links, and the page that shows them once."""
        if not self.has_consent_link_permission(request):
            raise PermissionDenied
        context = self.page_context(request, _("Make a consent link"))
        return ConsentLinkPage(context).answer(request, pk)
