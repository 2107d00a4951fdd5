"""简体中文: the people of the platform."""

from typing import Final

TEXTS: Final = {
    "Only people whose name has this in it.": "仅显示姓名包含此内容的人员。",
    "Only people in this state: active, left or platform.": "仅显示此状态的人员：active、left 或 platform。",
    "List the people of the platform, for those who run it.": "列出平台上的人员（供平台管理人员使用）。",
    "Roles": "角色",
    "Last sign-in": "最近登录",
    "active": "在职",
    "left": "已离开",
}
