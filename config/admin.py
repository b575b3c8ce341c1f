"""What the admin pages of all rooms share."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import BaseModelAdmin
from django.contrib.admin.widgets import AutocompleteSelect
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.core.exceptions import ValidationError
from django.db.models import CharField, Model, TextField
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from config import schedules
from config.counts import number_of
from config.models import LogOuts

MAX_SHOWN_ITEMS, MAX_SHOWN_CHARACTERS = 12, 120_000


class ReadOnly:
    """Pages on which nobody adds, changes or deletes, not even a superuser."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OfferedFilters(admin.ModelAdmin):  # type: ignore[type-arg]
    """Lists that are filtered by what they offer, and by nothing else that an address may name."""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        filters = (getattr(each, "parameter_name", each) for each in self.list_filter)
        offered = [each for each in (*filters, self.date_hierarchy) if isinstance(each, str)]
        is_offered = any(f"{lookup}__".startswith(f"{field}__") for field in offered)
        return is_offered and super().lookup_allowed(lookup, value, request)


class NamedValuesFilter(admin.AllValuesFieldListFilter):
    """The values that a column has, where nothing is a value with a name: a link without words is none."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield choice | {"display": choice["display"] or "nothing"}


admin.FieldListFilter.register(
    lambda field: isinstance(field, CharField | TextField) and not field.choices, NamedValuesFilter, take_priority=True
)


class KeyedSelect(AutocompleteSelect):
    """A choice by search. What is no key of a row at all is no choice; Django's own looks it up and breaks the page."""

    def optgroups(self, name: str, value: Sequence[str], attr: dict[str, Any] | None = None) -> list[Any]:
        groups: list[Any] = super().optgroups(name, [each for each in value if self._is_key(each)], attr)
        return groups

    def _is_key(self, value: str) -> bool:
        try:
            self.field.target_field.to_python(value)
        except ValidationError:
            return False
        return True


class KeyedChoices(BaseModelAdmin):  # type: ignore[type-arg]
    """Pages whose choices by search take whatever is sent."""

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = KeyedSelect(db_field, self.admin_site, using=kwargs.get("using"))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class EvidenceAdmin(ReadOnly, OfferedFilters):
    """Rows that are evidence: staff look, they do not touch."""

    show_full_result_count = False
    list_per_page = 50


class EvidenceInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    """Rows that are evidence, on the page of the row that they belong to."""

    extra = 0
    can_delete = False
    show_change_link = False


class UndeletableAdmin(OfferedFilters):
    """Rows that may be edited and never deleted."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


admin.site.unregister(get_user_model())


@admin.register(get_user_model())
class UserAdmin(UndeletableAdmin, BaseUserAdmin):  # type: ignore[type-arg]
    """Who leaves is made inactive: portfolios and executions say who owned and asked."""


for schedule in (PeriodicTask, CrontabSchedule, IntervalSchedule, SolarSchedule, ClockedSchedule):
    admin.site.unregister(schedule)


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(UndeletableAdmin):
    """What beat rings for. A schedule is switched off, not deleted: a shipped one would be made again."""

    list_display = ("name", "task", "schedule", "enabled", "last_run_at", "total_run_count")
    list_filter = ("enabled",)
    list_select_related = ("crontab", "interval", "solar", "clocked")
    search_fields = ("name", "task")
    fields = ("name", "task", "enabled", "crontab", "interval", "description", "last_run_at", "total_run_count")
    readonly_fields = ("name", "task", "last_run_at", "total_run_count")
    actions = ("enable_tasks", "disable_tasks", "run_tasks")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description="schedule")
    def schedule(self, row: PeriodicTask) -> str:
        return str(row.scheduler)

    def save_model(self, request: HttpRequest, obj: PeriodicTask, form: Any, change: bool) -> None:
        schedules.change(obj)

    @admin.action(permissions=["change"], description="Switch on")
    def enable_tasks(self, request: HttpRequest, queryset: Any) -> None:
        self.message_user(request, f"{schedules.switch(queryset, enabled=True)} switched on")

    @admin.action(permissions=["change"], description="Switch off")
    def disable_tasks(self, request: HttpRequest, queryset: Any) -> None:
        self.message_user(request, f"{schedules.switch(queryset, enabled=False)} switched off")

    @admin.action(permissions=["change"], description="Run once, now")
    def run_tasks(self, request: HttpRequest, queryset: Any) -> None:
        for task in queryset:
            schedules.ring(task)
        self.message_user(request, f"{len(queryset)} sent to the worker")


@admin.register(CrontabSchedule, IntervalSchedule)
class ScheduleAdmin(UndeletableAdmin):
    """Times and intervals to choose from. One is never changed, since several tasks may follow it: add another."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class DeviceAdmin(EvidenceAdmin):
    """Who has a second factor. Its key and codes are nobody's to see; who has lost them is helped by `end_second_factor`."""

    list_display = ("user", "name", "confirmed", "created_at", "last_used_at")
    list_filter = ("confirmed",)
    list_select_related = ("user",)
    search_fields = ("user__username",)
    fields = list_display


for device in (TOTPDevice, StaticDevice):
    admin.site.unregister(device)
    admin.site.register(device, DeviceAdmin)


@admin.register(LogOuts)
class LogOutsAdmin(EvidenceAdmin):
    list_display = ("user", "count")
    list_select_related = ("user",)


def pretty(data: Any) -> SafeString:
    """JSON to read: of a long list the beginning alone, and the whole text cut where it is still long. What nobody could see, such
    as a mark that turns the reading direction, stands as its escape."""
    text = json.dumps(_shortened(data), indent=2, ensure_ascii=False)
    text = "".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text)
    cut = (
        f"\n… {number_of(len(text) - MAX_SHOWN_CHARACTERS, 'more character')}"
        if len(text) > MAX_SHOWN_CHARACTERS
        else ""
    )
    return format_html("<pre>{}{}</pre>", text[:MAX_SHOWN_CHARACTERS], cut)


def _shortened(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: _shortened(value) for name, value in data.items()}
    if isinstance(data, list):
        more = len(data) - MAX_SHOWN_ITEMS
        return [*map(_shortened, data[:MAX_SHOWN_ITEMS]), *([f"… {more:,} more"] if more > 0 else [])]
    return data
