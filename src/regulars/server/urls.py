"""All addresses of the application."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from django.urls import include, path

from regulars.api.routes import routes
from regulars.web import (
    api_docs,
    audit_settings,
    exchange,
    find,
    gifts,
    imports,
    insights,
    insights_business,
    insights_compare,
    leftovers,
    own_page,
    partners,
    people,
    profile,
    programme,
    programme_leaving,
    programme_results,
    programs,
    receipts,
    review,
    segments,
    settings,
    sign_in,
    strategy,
    today,
)
from regulars.web.customers import questionnaires

_account = [
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("closed/", account.signup, name="account_signup"),
    path("confirm/", account.reauthenticate, name="account_reauthenticate"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("password/", account.password_change, name="account_change_password"),
    path("password/set/", account.password_set, name="account_set_password"),
    path("password/reset/", account.password_reset, name="account_reset_password"),
    path("password/reset/sent/", account.password_reset_done, name="account_reset_password_done"),
    path("password/reset/<uidb36>-<key>/", account.password_reset_from_key, name="account_reset_password_from_key"),
    path("password/reset/done/", account.password_reset_from_key_done, name="account_reset_password_from_key_done"),
]

_second_factor = [
    path("", mfa.index, name="mfa_index"),
    path("code/", mfa.authenticate, name="mfa_authenticate"),
    path("confirm/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("app/on/", totp.activate_totp, name="mfa_activate_totp"),
    path("app/off/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("spare/", recovery.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("spare/new/", recovery.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("spare/file/", recovery.download_recovery_codes, name="mfa_download_recovery_codes"),
]

_settings = [
    path("", settings.people, name="settings"),
    path("people/", settings.people, name="users"),
    path("people/invite/", settings.invite, name="invite"),
    path("people/<int:user_id>/", settings.change_user, name="change_user"),
    path("roles/new/", settings.new_role, name="new_role"),
    path("roles/<slug:slug>/", settings.role, name="role"),
    path("business/", settings.business, name="business"),
    path("audit/", audit_settings.page, name="audit_settings"),
    path("log/", settings.log, name="log"),
    path("programs/", programs.page, name="programs"),
    path("programs/keys/", programs.make_key, name="key_make"),
    path("programs/keys/<int:key_id>/revoke/", programs.revoke_key, name="key_revoke"),
    path("programs/hooks/", programs.make_hook, name="hook_make"),
    path("programs/hooks/<int:hook_id>/", programs.hook, name="hook"),
    path("programs/hooks/<int:hook_id>/change/", programs.change_hook, name="hook_change"),
    path("programs/deliveries/<int:delivery_id>/again/", programs.send_again, name="delivery_again"),
]

_insights = [
    path("", insights.page, name="insights"),
    path("business/", insights_business.page, name="insights_business"),
    path("compare/", insights_compare.page, name="insights_compare"),
    path("audits/", insights.runs, name="insights_runs"),
    path("audits/state/", insights.state, name="insights_state"),
    path("audits/start/", insights.start, name="insights_start"),
    path("chapter/<slug:chapter>/", insights.chapter, name="insights_chapter"),
    path("people/<path:list_id>/", people.page, name="people"),
    path("export/<path:list_id>/", people.export, name="people_export"),
]

_segments = [
    path("", segments.page, name="segments"),
    path("new/", segments.edit, name="segment_new"),
    path("people/<path:list_id>/", people.page, name="segment_people"),
    path("audiences/<int:audience_id>/hashed/", segments.hashed, name="audience_hashed"),
    path("<int:segment_id>/", segments.segment, name="segment"),
    path("<int:segment_id>/count/", segments.count, name="segment_count"),
    path("<int:segment_id>/edit/", segments.edit, name="segment_edit"),
    path("<int:segment_id>/remove/", segments.remove, name="segment_remove"),
    path("<int:segment_id>/copy/", segments.copy, name="segment_copy"),
    path("<int:segment_id>/why/<int:customer_id>/", segments.why, name="segment_why"),
]

_partners = [
    path("", partners.page, name="partners"),
    path("add/", partners.add, name="partner_add"),
    path("of/<slug:partner>/", partners.partner, name="partner"),
    path("of/<slug:partner>/edit/", partners.edit, name="partner_edit"),
    path("of/<slug:partner>/contract/", partners.agree_contract, name="contract_agree"),
    path("of/<slug:partner>/statements/", partners.bill, name="statement_make"),
    path("of/<slug:partner>/statements/<int:number>/", partners.statement, name="statement"),
    path("of/<slug:partner>/statements/<int:number>/rows.csv", partners.statement_rows, name="statement_rows"),
]

urlpatterns = [
    path("", today.page, name="today"),
    path("find/", find.page, name="find"),
    path("customers/", include("regulars.web.customers.urls")),
    path("strategy/", strategy.page, name="strategy"),
    path("strategy/<slug:group>/", strategy.group, name="strategy_group"),
    path("strategy/<slug:group>/edit/", strategy.edit, name="strategy_edit"),
    path("programme/", programme.page, name="programme"),
    path("programme/leaving/", programme_leaving.page, name="programme_leaving"),
    path("programme/results/", programme_results.page, name="programme_results"),
    path("programme/write/", programme.write, name="programme_write"),
    path("programme/review/", review.page, name="review"),
    path("programme/review/meetings/", review.meetings, name="review_meetings"),
    path("programme/review/alerts/<int:alert_id>/", review.decide_alert, name="alert_decide"),
    path("programme/review/corrections/<int:correction_id>/", review.decide_correction, name="correction_decide"),
    path("programme/partners/", include(_partners)),
    path("partners/", partners.public, name="public_partners"),
    path("programme/gifts/", gifts.page, name="gifts"),
    path("programme/gifts/new/", gifts.new, name="gift_new"),
    path("programme/gifts/<int:gift_id>/", gifts.edit, name="gift"),
    path("programme/gifts/members/<slug:leftover>/", leftovers.page, name="leftovers"),
    path("programme/gifts/members/<slug:leftover>/take/", leftovers.take_out, name="leftovers_take"),
    path("q/<str:token>/", questionnaires.public, name="public_form"),
    path("c/<str:signed>/", own_page.door, name="own_door"),
    path("my/", own_page.page, name="own_page"),
    path("my/code/", own_page.code, name="own_code"),
    path("my/prove/", own_page.prove, name="own_prove"),
    path("my/consents/", own_page.consent, name="own_consent"),
    path("my/language/", own_page.language, name="own_language"),
    path("my/close/", own_page.close, name="own_close"),
    path("profile/", profile.page, name="profile"),
    path("settings/", include(_settings)),
    path("api/v1/docs/", api_docs.page, name="api_docs"),
    path("api/v1/", routes()),
    path("insights/", include(_insights)),
    path("segments/", include(_segments)),
    path("account/", include(_account)),
    path("account/second-factor/", include(_second_factor)),
    path("imports/", imports.index, name="imports"),
    path("imports/new/", imports.upload, name="import_upload"),
    path("imports/<int:pk>/", imports.page, name="import"),
    path("imports/<int:pk>/state/", imports.state, name="import_state"),
    path("imports/<int:pk>/start/", imports.begin, name="import_start"),
    path("imports/<int:pk>/undo/", imports.undo, name="import_undo"),
    path("imports/<int:pk>/discard/", imports.discard, name="import_discard"),
    path("imports/<int:pk>/rejects/", imports.rejects, name="import_rejects"),
    path("exchange/1c/", exchange.page, name="exchange_1c"),
    path("receipts/<int:pk>/", receipts.page, name="receipt"),
    path("demonstration/<str:ticket>/", sign_in.demonstration, name="demonstration"),
    path("invitation/<str:token>/", sign_in.invitation, name="invitation"),
]
