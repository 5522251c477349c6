"""Addresses of the pages about customers."""

from django.urls import path

from regulars.web.customers import actions, card, edit, fields, files, listing, merging, privacy, questionnaires

_of_one = [
    ("", card.page, "customer"),
    ("timeline/", card.timeline, "customer_timeline"),
    ("edit/", edit.edit, "customer_edit"),
    ("contacts/", actions.add_contact, "contact_add"),
    ("contacts/<int:contact_id>/remove/", actions.remove_contact, "contact_remove"),
    ("contacts/<int:contact_id>/main/", actions.main_contact, "contact_main"),
    ("contacts/<int:contact_id>/mark/", actions.mark_contact, "contact_mark"),
    ("consents/", actions.record_consent, "consent_record"),
    ("peace/", actions.leave_in_peace, "peace_begin"),
    ("peace/end/", actions.end_peace, "peace_end"),
    ("owner/", actions.set_owner, "owner_set"),
    ("tags/", actions.set_tags, "tags_set"),
    ("notes/", actions.add_note, "note_add"),
    ("notes/<int:note_id>/", actions.edit_note, "note_edit"),
    ("notes/<int:note_id>/remove/", actions.remove_note, "note_remove"),
    ("relations/", actions.relate, "relation_add"),
    ("relations/<int:relation_id>/remove/", actions.unrelate, "relation_remove"),
    ("privileges/", actions.privilege, "privilege_give"),
    ("privileges/<int:privilege_id>/remove/", actions.no_privilege, "privilege_end"),
    ("points/", actions.correct_points, "points_correct"),
    ("own-fields/", actions.own_fields, "own_fields_set"),
    ("files/", files.add, "file_add"),
    ("files/<int:file_id>/", files.download, "file"),
    ("files/<int:file_id>/remove/", files.remove, "file_remove"),
    ("merge/<int:other_id>/", merging.pair, "customer_merge"),
    ("forms/<int:form_id>/", questionnaires.fill, "form_fill"),
    ("forms/<int:form_id>/link/", questionnaires.link, "form_link"),
    ("export/", privacy.export, "customer_export"),
    ("erasure/", privacy.page, "erasure"),
    ("erasure/ask/", privacy.ask, "erasure_ask"),
    ("erasure/<int:case_id>/withdraw/", privacy.withdraw, "erasure_withdraw"),
    ("erasure/<int:case_id>/do/", privacy.do, "erasure_do"),
    ("erasure/<int:case_id>/act/", privacy.act, "erasure_act"),
]

urlpatterns = [
    path("", listing.page, name="customers"),
    path("take/", listing.export, name="customers_take"),
    path("new/", edit.new, name="customer_new"),
    path("duplicates/", merging.likely, name="duplicates"),
    path("duplicates/search/", merging.search, name="duplicates_search"),
    path("duplicates/<int:likeness_id>/refuse/", merging.refuse, name="duplicates_refuse"),
    path("duplicates/rules/<slug:slug>/", merging.rule, name="merge_rule"),
    path("merges/<int:merge_id>/undo/", merging.undo, name="merge_undo"),
    path("fields/", fields.own, name="fields"),
    path("fields/<int:field_id>/", fields.change, name="field"),
    path("consents/", fields.purposes, name="purposes"),
    path("questionnaires/", fields.questionnaires, name="questionnaires"),
    path("questionnaires/<int:form_id>/", fields.questionnaire, name="questionnaire"),
    *(path(f"<int:customer_id>/{tail}", view, name=name) for tail, view, name in _of_one),
]
