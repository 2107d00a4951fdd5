"""简体中文: images, their projects and repositories, and the robots that use them."""

from typing import Final

TEXTS: Final = {
    # projects
    "List the projects of images.": "列出镜像项目。",
    "Create a project for images.": "创建镜像项目。",
    "Change an image project's settings and policy.": "修改镜像项目的设置和策略。",
    "Delete an empty image project.": "删除空的镜像项目。",
    "List who has a role in an image project itself.": "列出在镜像项目中单独获得角色的成员。",
    "Give somebody a role in an image project.": "授予某人镜像项目中的角色。",
    "Take somebody's role in an image project away.": "收回某人在镜像项目中的角色。",
    "The project's name (pks image-projects).": "项目名称（见 pks image-projects）。",
    "What it is for.": "用途说明。",
    "Everybody may pull, or members only.": "公开（任何人可拉取），或仅限成员。",
    "Scan what is pushed at once.": "推送后立即扫描。",
    "Only signed images may be pulled.": "仅允许拉取已签名的镜像。",
    "Images with a vulnerability as bad or worse may not be pulled: critical, high, …; none.": (
        "禁止拉取含有该级别或更严重漏洞的镜像：critical、high 等；none 表示不限制。"
    ),
    "For how many hours after a push this is let pass.": "推送后的宽限时间（小时）。",
    "Only those.": "仅列出这些项目。",
    "Public": "公开",
    "Signed only": "仅限已签名",
    "Blocked from": "拦截级别",
    "Scanned when pushed": "推送时扫描",
    "Hours of grace": "宽限小时数",
    "no": "否",
    "Say what to change: --public, --signed-only, --block-severity, …": (
        "请说明要修改什么：--public、--signed-only、--block-severity 等"
    ),
    "Are you sure you want to delete the image project {name}?": "确定要删除镜像项目 {name} 吗？",
    "Image project {name} is deleted.": "镜像项目 {name} 已删除。",
    "The person's name in the directory.": "该人员在目录中的用户名。",
    "viewer, developer, operator or admin.": "角色：viewer、developer、operator 或 admin。",
    "{user} has the role {role} in {name}.": "{user} 在 {name} 中的角色为 {role}。",
    "Are you sure you want to take {user}'s role in {name} away?": "确定要收回 {user} 在 {name} 中的角色吗？",
    "{user} has no role in {name} any more.": "{user} 在 {name} 中已没有角色。",
    # repositories
    "List repositories of images.": "列出镜像仓库。",
    "Change a repository's README.": "修改仓库的 README。",
    "Delete a repository with all that is in it.": "删除仓库及其全部内容。",
    "The repository's full name.": "仓库全名。",
    "Only of this project.": "仅列出该项目的。",
    "Only with this in the name.": "仅列出名称包含此内容的。",
    "Only of this repository.": "仅列出该仓库的。",
    "Its README (Markdown); - reads standard input.": "README 文件（Markdown）；- 表示从标准输入读取。",
    "Repository": "仓库",
    "Images": "镜像",
    "Pulls": "拉取次数",
    "Changed": "更新时间",
    "Repository {name} not found": "找不到仓库 {name}",
    "Are you sure you want to delete repository {name} with its {number} images?": (
        "确定要删除仓库 {name} 及其 {number} 个镜像吗？"
    ),
    "Repository {name} is deleted.": "仓库 {name} 已删除。",
    "The README of {name} is changed.": "{name} 的 README 已修改。",
    # images
    "List images.": "列出镜像。",
    "Show an image, and whether it may be pulled.": "查看镜像，以及是否允许拉取。",
    "Give an image a tag, or move one to it.": "为镜像添加标签，或将已有标签移到该镜像。",
    "Take a tag away; the image stays.": "移除标签，镜像保留。",
    "Delete an image with its tags and all that is about it.": "删除镜像及其标签和所有附属内容。",
    "PROJECT/NAME:TAG or PROJECT/NAME@sha256:…; the tag latest if none.": (
        "PROJECT/NAME:TAG 或 PROJECT/NAME@sha256:…；不写标签则为 latest。"
    ),
    "“{text}” does not name an image.": "“{text}”不是有效的镜像名称。",
    "Write PROJECT/NAME:TAG or PROJECT/NAME@sha256:…, without the portal's address.": (
        "请写作 PROJECT/NAME:TAG 或 PROJECT/NAME@sha256:…，不含门户地址。"
    ),
    "“{text}” is not a name.": "“{text}”不是有效的名称。",
    "Image {name} not found": "找不到镜像 {name}",
    "Only of these kinds: image, index, chart, …": "仅列出这些类型：image、index、chart 等。",
    "Only with a finding as bad or worse: high, …": "仅列出含有该级别或更严重漏洞的镜像：high 等。",
    "Only with scans in these states.": "仅列出扫描处于这些状态的。",
    "Those of an index, and signatures, too.": "包括索引中的镜像和签名。",
    "A severity is one of {known}.": "严重级别须为以下之一：{known}。",
    "Tags": "标签",
    "Digest": "摘要",
    "Platform": "平台",
    "Size": "大小",
    "Signed": "签名",
    "Findings": "漏洞",
    "Pushed": "推送时间",
    "Last pulled": "最近拉取",
    "Type": "格式",
    "About": "所属对象",
    "About it": "附属内容",
    "Signer": "签名者",
    "Not assessed": "未能评估",
    "Scanned": "扫描时间",
    "May be pulled": "允许拉取",
    "no: {reason}": "否：{reason}",
    "none": "无",
    "not scanned": "未扫描",
    "waits for a scan": "等待扫描",
    "being scanned": "正在扫描",
    "scan failed": "扫描失败",
    "scan stopped": "扫描已停止",
    "cannot be scanned": "不支持扫描",
    "attestation": "证明",
    "The new tag; one that exists moves.": "新标签；已存在的标签会被移动。",
    "{name} is {digest} now.": "{name} 现在指向 {digest}。",
    "Name the tag to take away: PROJECT/NAME:TAG.": "请指定要移除的标签：PROJECT/NAME:TAG。",
    "Are you sure you want to take the tag {name} away?": "确定要移除标签 {name} 吗？",
    "The tag {name} is gone; the image stays.": "标签 {name} 已移除，镜像保留。",
    "Name the image to delete with its tag or digest.": "请用标签或摘要指定要删除的镜像。",
    "Are you sure you want to delete image {name} with all its tags ({tags})?": (
        "确定要删除镜像 {name} 及其全部标签（{tags}）吗？"
    ),
    "Image {name} is deleted.": "镜像 {name} 已删除。",
    # signing in
    "Say how docker and others sign in for images.": "显示 docker 等客户端登录镜像仓库的命令。",
    "The client that signs in.": "要登录的客户端。",
    "As this robot (robot-PROJECT.NAME), not as you.": "以该机器人（robot-PROJECT.NAME）而非您的身份登录。",
    "Print only the command.": "仅输出命令。",
    "It asks for the robot's secret (pks create-robot, pks rotate-robot).": (
        "随后输入机器人的密钥（见 pks create-robot、pks rotate-robot）。"
    ),
    "It asks for a password: give a personal token with the scope “registry”, made at {page}": (
        "随后输入密码：请使用在 {page} 创建的、权限范围含“registry”的个人令牌"
    ),
    # robots
    "List an image project's robots.": "列出镜像项目的机器人。",
    "Create a robot, with which machines pull and push.": "创建机器人，供程序拉取和推送镜像。",
    "Give a robot a new secret.": "为机器人更换密钥。",
    "Stop a robot.": "停用机器人。",
    "Let a stopped robot go on.": "恢复已停用的机器人。",
    "Delete a robot.": "删除机器人。",
    "The robot's name (pks robots PROJECT).": "机器人名称（见 pks robots PROJECT）。",
    "The new robot's name.": "新机器人的名称。",
    "For how many days its secret is good.": "密钥有效天数。",
    "What it may do: pull, push, delete, sign.": "权限：pull、push、delete、sign。",
    "Signs in as": "登录名",
    "Rights": "权限",
    "Secret": "密钥",
    "stopped": "已停用",
    "live": "有效",
    "expired": "已过期",
    "The secret is shown this once: keep it now.": "密钥仅显示这一次，请立即保存。",
    "Are you sure you want to end the secret of robot {name} and make another?": (
        "确定要作废机器人 {name} 的密钥并更换新密钥吗？"
    ),
    "Are you sure you want to delete robot {name}? Its secret ends at once.": (
        "确定要删除机器人 {name} 吗？其密钥将立即失效。"
    ),
    "Robot {name} is stopped.": "机器人 {name} 已停用。",
    "Robot {name} may go on.": "机器人 {name} 已恢复。",
    "Robot {name} is deleted.": "机器人 {name} 已删除。",
}
