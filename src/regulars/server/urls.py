"""All addresses of the application."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from django.urls import include, path

from regulars.web import exchange, find, imports, profile, receipts, sign_in, today

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

urlpatterns = [
    path("", today.page, name="today"),
    path("find/", find.page, name="find"),
    path("profile/", profile.page, name="profile"),
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
    path("invitation/<str:token>/", sign_in.invitation, name="invitation"),
]
