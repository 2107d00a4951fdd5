"""简体中文 for emergency access."""

TEXTS = {
    "Enter a tenant's cluster in an emergency, or end that.": "紧急进入租户的集群，或结束紧急访问。",
    "Why: the tenant's administrators are told, and it is audited.": "原因。租户管理员会收到通知，并记入审计日志。",
    "For how many minutes, 5 to 60.": "持续多少分钟（5 到 60）。",
    "End your access; if you have none, everybody's that is open.": (
        "结束您的紧急访问；若您没有，则结束该集群所有未结束的紧急访问。"
    ),
    "Say why with --reason, or end it with --end.": "请用 --reason 说明原因，或用 --end 结束。",
    "The emergency access has ended.": "紧急访问已结束。",
    "Enter cluster {name} as its administrator? The tenant's administrators are told.": (
        "确定要以管理员身份进入集群 {name} 吗？租户管理员会收到通知。"
    ),
    "You are in cluster {name}.": "您已进入集群 {name}。",
    "Context": "上下文",
}
