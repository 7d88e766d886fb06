"""Launches in the shape of five learning management systems, signed by the independent signer of ``peer``."""

from urllib.parse import parse_qsl, urlencode

from peer import CONSUMER, FORM, Peer

import oauth2
from oauth2.http import HTTPRequest

TOOL = "https://tool.example/launch"
SECRETS = {CONSUMER.key: CONSUMER.secret}

CANVAS = {
    "oauth_callback": "about:blank",
    "context_id": "4dde05e8ca1973bcca9bffc13e1548820eee93a3",
    "context_label": "SI-182",
    "context_title": "Design of Networks",
    "custom_canvas_assignment_points_possible": "10",
    "custom_canvas_enrollment_state": "active",
    "ext_outcome_data_values_accepted": "url,text",
    "ext_roles": "urn:lti:instrole:ims/lis/Administrator,urn:lti:role:ims/lis/Instructor,urn:lti:sysrole:ims/lis/User",
    "launch_presentation_document_target": "iframe",
    "launch_presentation_locale": "en",
    "launch_presentation_return_url": "https://school.instructure.example/courses/3/external_content/success",
    "lis_outcome_service_url": "https://school.instructure.example/api/lti/v1/tools/7/grade_passback",
    "lis_result_sourcedid": "7-3-11-5-0c8d6f3a",
    "lis_person_name_full": "Zoë O'Neill",
    "lti_message_type": "basic-lti-launch-request",
    "lti_version": "LTI-1p0",
    "resource_link_id": "88391e5a3b7f4a46b3a9e1c3c1f3b0f1",
    "resource_link_title": "Quiz & answers",
    "roles": "Instructor,urn:lti:instrole:ims/lis/Administrator",
    "tool_consumer_info_product_family_code": "canvas",
    "tool_consumer_info_version": "cloud",
    "tool_consumer_instance_guid": "a1b2c3.school.instructure.example",
    "user_id": "535fa085f22b4655f48cd5a36a9215f64c062838",
    "user_image": "https://school.instructure.example/images/thumbnails/1.png",
}
MOODLE = {
    "oauth_callback": "about:blank",
    "user_id": "2",
    "lis_person_sourcedid": "",
    "roles": "Learner",
    "context_id": "5",
    "context_label": "bio",
    "context_title": "Biology 101",
    "context_type": "CourseSection",
    "resource_link_title": "Cells",
    "resource_link_description": "Read this first.\r\n\r\nThen answer <b>all</b> questions + 1.",
    "resource_link_id": "12",
    "lis_result_sourcedid": '{"data":{"instanceid":"12","userid":"2","typeid":null,"launchid":77},"hash":"9f86d0"}',
    "lis_outcome_service_url": "https://moodle.example/mod/lti/service.php",
    "lis_person_name_given": "Åsa",
    "lis_person_name_family": "Öberg",
    "lis_person_name_full": "Åsa Öberg",
    "ext_user_username": "asa",
    "lis_person_contact_email_primary": "asa@moodle.example",
    "launch_presentation_locale": "sv",
    "ext_lms": "moodle-2",
    "tool_consumer_info_product_family_code": "moodle",
    "tool_consumer_info_version": "2023100900",
    "lti_version": "LTI-1p0",
    "lti_message_type": "basic-lti-launch-request",
    "tool_consumer_instance_guid": "moodle.example",
    "tool_consumer_instance_name": "moodle",
    "tool_consumer_instance_description": "",
    "launch_presentation_document_target": "iframe",
    "launch_presentation_return_url": "https://moodle.example/mod/lti/return.php?course=5&launch_container=3",
}
SAKAI = {
    "oauth_callback": "about:blank",
    "basiclti_submit": "Press to Launch",
    "context_id": "d0d5a5f1-9c34-4ad6-a6a2-3e8c2a66b07f",
    "context_label": "SMPL101",
    "context_title": "SMPL101 - Sämple",
    "context_type": "CourseSection",
    "custom_chapter": "12\r\n13",
    "ext_sakai_role": "maintain",
    "ext_sakai_serverid": "MacBook-Pro",
    "ext_ims_lis_basic_outcome_url": "https://sakai.example/imsblis/service/",
    "ext_ims_lis_resultvalue_sourcedids": "decimal",
    "launch_presentation_css_url": "https://sakai.example/library/skin/tool_base.css",
    "launch_presentation_locale": "en_US",
    "lis_outcome_service_url": "https://sakai.example/imsblis/service/",
    "lis_person_name_full": "Ian Instructor",
    "lis_person_sourcedid": "instructor",
    "lis_result_sourcedid": "a4f5:::7b1c:::content:3",
    "lti_message_type": "basic-lti-launch-request",
    "lti_version": "LTI-1p0",
    "resource_link_id": "content:3",
    "resource_link_title": "",
    "roles": "Instructor,Administrator,urn:lti:instrole:ims/lis/Administrator,urn:lti:sysrole:ims/lis/Administrator",
    "tool_consumer_info_product_family_code": "sakai",
    "tool_consumer_info_version": "22.1",
    "user_id": "e4f8e2a1-40e3-4a46-9b2c-1fd2a3ad3c11",
}
OPEN_EDX = {
    "oauth_callback": "about:blank",
    "user_id": "7e2f4ac1fb5c4c2f9a3e",
    "launch_presentation_return_url": "",
    "lti_version": "LTI-1p0",
    "lti_message_type": "basic-lti-launch-request",
    "resource_link_id": "courses.example-i4x-2-3-lti-31de800015cf4afb973356dbe81496df",
    "lis_result_sourcedid": "course-v1%3AX%2BY%2BZ:courses.example-i4x-2-3-lti-31de:7e2f4ac1fb5c4c2f9a3e",
    "lis_outcome_service_url": "https://courses.example/courses/course-v1:X+Y+Z/xblock/i4x:;_;_X/handler_noauth/grade",
    "context_id": "course-v1:X+Y+Z",
    "roles": "Student",
    "custom_component_display_name": "LTI Consumer",
    "custom_component_graded": "True",
}
BLACKBOARD = {
    "oauth_callback": "about:blank",
    "resource_link_id": "_1021_1",
    "resource_link_title": "Tool – week 1",
    "resource_link_description": "",
    "context_id": "a8c1e5f2d3b94a60",
    "context_label": "HIST.101",
    "context_title": "History 101",
    "user_id": "b1d5b1c0a2f94e43",
    "roles": "urn:lti:role:ims/lis/TeachingAssistant, urn:lti:role:ims/lis/Learner/GuestLearner",
    "lis_person_name_given": "Ana",
    "lis_person_name_family": "",
    "lis_course_section_sourcedid": "",
    "launch_presentation_locale": "es-ES",
    "launch_presentation_return_url": "https://bb.example/webapps/blackboard/execute/blti/launchReturn?course_id=_1_1",
    "launch_presentation_css_url": "https://bb.example/common/shared.css,https://bb.example/themes/theme.css",
    "lti_version": "LTI-1p0",
    "lti_message_type": "basic-lti-launch-request",
    "tool_consumer_instance_guid": "c9c1b5a7",
    "tool_consumer_instance_name": "Blackboard, Inc.",
    "tool_consumer_info_product_family_code": "Blackboard Learn",
    "tool_consumer_info_version": "3900.0.0",
    "ext_launch_presentation_css_url": "https://bb.example/common/shared.css",
    "custom_text": "one\r\ntwo",
}
PLATFORMS = {"canvas": CANVAS, "moodle": MOODLE, "sakai": SAKAI, "open edx": OPEN_EDX, "blackboard": BLACKBOARD}

SELECTION = {
    "lti_message_type": "ContentItemSelectionRequest",
    "lti_version": "LTI-1p0",
    "accept_media_types": "application/vnd.ims.lti.v1.ltilink, text/html",
    "accept_presentation_document_targets": "iframe,window",
    "accept_multiple": "true",
    "content_item_return_url": "https://lms.example/items?course=3",
    "data": "opaque & text",
    "roles": "Instructor",
}


def launch(parameters=CANVAS, *, query=(), repeated=(), url=TOOL, content_type=FORM, peer=None, **options):
    """Return a signed launch as a browser posts it.

    Args:
        query: Signed pairs in the URL.
        repeated: Pairs that are in the URL and in the form, but are signed only once, as Canvas does.
    """
    options = {"token": None, "place": "form", "timestamp": None, "consumer": CONSUMER, **options}
    if options["timestamp"] is None:
        options["timestamp"] = oauth2.Request.make_timestamp()
    sent = (peer or Peer()).sign(
        "POST",
        url,
        query=query,
        form=[*parameters.items(), *repeated],
        nonce=oauth2.Request.make_nonce(),
        **options,
    )
    body = urlencode(parse_qsl(sent.body.decode(), keep_blank_values=True)).encode()
    shown = "&".join(filter(None, [sent.url.partition("?")[2], urlencode(list(repeated))]))
    return HTTPRequest("POST", f"{url}?{shown}" if shown else url, {"Content-Type": content_type}, body)
