"""The official client of Slack, which says whether a workspace is one."""

import sys
import threading

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse

api, app_token, bot_token = sys.argv[1:]
web = WebClient(token=bot_token, base_url=api)
client = SocketModeClient(app_token=app_token, web_client=web)
is_done = threading.Event()


def listen(client, request):
    client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
    event = request.payload["event"]
    if event["text"] == "end":
        is_done.set()
        return
    posted = web.chat_postMessage(
        channel=event["channel"], text=f"echo {event['text']}", thread_ts=event["ts"]
    )
    web.chat_update(channel=posted["channel"], ts=posted["ts"], text="edited")


client.socket_mode_request_listeners.append(listen)
print(web.auth_test()["user_id"], web.users_info(user="U1")["user"]["name"])
print(web.conversations_info(channel="C1")["channel"]["name"])
try:
    web.chat_postMessage(channel="C404", text="x")
except SlackApiError as error:
    print(error.response["error"])
try:
    WebClient(token="xoxb-wrong", base_url=api).auth_test()
except SlackApiError as error:
    print(error.response["error"])
client.connect()
assert is_done.wait(60)
client.close()
