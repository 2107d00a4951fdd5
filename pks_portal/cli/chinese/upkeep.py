"""简体中文: which images stay and which go, copies, and the registry's upkeep."""

from typing import Final

TEXTS: Final = {
    "List the rules by which tags may not be moved.": "列出不可变标签规则。",
    "Let tags not be moved once pushed.": "创建不可变标签规则。",
    "Delete a rule: its tags may be moved again.": "删除不可变标签规则。",
    "List the rules by which old images go.": "列出镜像保留规则。",
    "Make a rule by which images stay.": "创建镜像保留规则。",
    "Delete a rule by which images stay.": "删除镜像保留规则。",
    "List the runs of an image project's retention rules.": "列出镜像项目保留规则的执行记录。",
    "Show what becomes of each image, and why.": "查看每个镜像的去留及原因。",
    "Carry an image project's retention rules out.": "执行镜像项目的保留规则。",
    "Copy an image to another repository.": "将镜像复制到另一个仓库。",
    "List the registry's garbage collections.": "列出镜像仓库的垃圾回收记录。",
    "Free what no image needs any more.": "回收不再被任何镜像使用的空间。",
    "Compare the portal's images with the registry, and repair.": "核对门户与镜像仓库中的镜像，并修复差异。",
    "The rule's id, as the list has it.": "规则 ID（见列表）。",
    "Which tags: v*, **.": "适用的标签，如 v*、**。",
    "By what images stay.": "保留依据。",
    "How many, or for how many days.": "数量，或天数。",
    "Of images without a tag too, or not.": "是否也适用于无标签的镜像。",
    "The run's id (pks retention-runs).": "执行记录 ID（见 pks retention-runs）。",
    "Where to; without a tag it gets none.": "目标；不写标签则不添加标签。",
    "Take rows away even if the registry lacks a great part of them.": "即使镜像仓库中缺失大量内容，也移除相应记录。",
    "Made by": "创建者",
    "Untagged too": "含无标签",
    "Keeps": "保留依据",
    "Number": "数量",
    "Dry run": "仅预览",
    "Kept": "保留",
    "Going": "将删除",
    "Removed": "已删除",
    "Goes": "删除",
    "Why": "原因",
    "Freed": "已释放",
    "Would free": "可释放",
    "switched off": "已停用",
    "in force": "生效",
    "Rule {id} is made.": "规则 {id} 已创建。",
    "Rule {id} is deleted.": "规则 {id} 已删除。",
    "Are you sure you want to delete rule {id} of {project}?": "确定要删除 {project} 的规则 {id} 吗？",
    "Are you sure you want to delete from {project} what its rules do not keep?": (
        "确定要从 {project} 中删除规则未保留的镜像吗？"
    ),
    "Use 'pks retention-run {project} {id}' to see what it came to": "运行“pks retention-run {project} {id}”查看结果",
    "{image} is copied to {target}.": "{image} 已复制到 {target}。",
    "Pushes wait while garbage is collected. Go on?": "垃圾回收期间推送会等待。是否继续？",
    "Are you sure you want to forget all images that the registry lacks?": (
        "确定要移除镜像仓库中已缺失的全部镜像的记录吗？"
    ),
}
