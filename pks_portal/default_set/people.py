"""The people of the demo company. Invented; any likeness is chance."""

from typing import Final, NamedTuple

PASSWORD: Final = "PksDemo!2026"  # noqa: S105  # known to everybody: the demo set starts on loopback only


class Person(NamedTuple):
    """`uid` is family.given as in the Chinese name: li.na is 李娜, Li Na. `group` has the person as a direct member."""

    uid: str
    name_zh: str
    title_zh: str
    title_en: str
    group: str
    disabled: bool = False

    @property
    def name_en(self) -> str:
        return " ".join(part.capitalize() for part in self.uid.split("."))


PEOPLE: Final[dict[str, list[Person]]] = {
    "payments": [
        Person("li.na", "李娜", "运维工程师", "Operations engineer", "pks-payments-operators"),
        Person("sun.li", "孙丽", "支付平台负责人", "Head of payments platform", "pks-payments-admins"),
        Person("wu.hao", "吴昊", "后端工程师", "Backend engineer", "pks-payments-developers"),
        Person("wang.fang", "王芳", "产品经理", "Product manager", "pks-payments-viewers"),
        Person("zhao.min", "赵敏", "后端工程师", "Backend engineer", "payments-clearing", disabled=True),
        Person("zhou.tao", "周涛", "清算工程师", "Clearing engineer", "payments-clearing"),
        Person("xu.jing", "徐静", "清算工程师", "Clearing engineer", "payments-clearing"),
        Person("ma.chao", "马超", "网关工程师", "Gateway engineer", "payments-gateway"),
        Person("zhu.lin", "朱琳", "网关工程师", "Gateway engineer", "payments-gateway"),
        Person("hu.bin", "胡斌", "值班工程师", "On-call engineer", "payments-oncall"),
        Person("guo.yan", "郭燕", "合规专员", "Compliance officer", "payments-compliance"),
    ],
    "retail": [
        Person("chen.jie", "陈杰", "运维工程师", "Operations engineer", "pks-retail-operators"),
        Person("lin.xue", "林雪", "零售技术负责人", "Head of retail technology", "pks-retail-admins"),
        Person("gao.feng", "高峰", "前端工程师", "Frontend engineer", "retail-store"),
        Person("luo.dan", "罗丹", "前端工程师", "Frontend engineer", "retail-store"),
        Person("liang.bo", "梁波", "后端工程师", "Backend engineer", "retail-orders"),
        Person("song.qian", "宋倩", "后端工程师", "Backend engineer", "retail-orders"),
        Person("tang.wei", "唐伟", "测试工程师", "Test engineer", "retail-orders"),
        Person("feng.lei", "冯磊", "值班工程师", "On-call engineer", "retail-oncall"),
        Person("dong.mei", "董梅", "产品经理", "Product manager", "pks-retail-viewers"),
        Person("xiao.yu", "萧雨", "数据分析师", "Data analyst", "retail-insight"),
    ],
    "risk": [
        Person("cheng.gang", "程刚", "风控技术负责人", "Head of risk technology", "pks-risk-admins"),
        Person("cao.ying", "曹颖", "运维工程师", "Operations engineer", "pks-risk-operators"),
        Person("yuan.kai", "袁凯", "规则引擎工程师", "Rules engineer", "risk-rules"),
        Person("deng.hui", "邓慧", "规则引擎工程师", "Rules engineer", "risk-rules"),
        Person("xue.song", "薛松", "模型工程师", "Model engineer", "risk-models"),
        Person("ye.lan", "叶兰", "模型工程师", "Model engineer", "risk-models"),
        Person("yan.jun", "阎军", "反欺诈分析师", "Fraud analyst", "risk-fraud"),
        Person("yu.ting", "余婷", "反欺诈分析师", "Fraud analyst", "risk-fraud"),
        Person("pan.rui", "潘睿", "值班工程师", "On-call engineer", "risk-oncall"),
        Person("du.juan", "杜鹃", "产品经理", "Product manager", "pks-risk-viewers"),
    ],
    "data": [
        Person("dai.yi", "戴毅", "数据平台负责人", "Head of data platform", "pks-data-admins"),
        Person("xia.fan", "夏帆", "平台工程师", "Platform engineer", "pks-data-operators"),
        Person("zhong.ping", "钟平", "算法工程师", "Machine learning engineer", "data-training"),
        Person("tian.tian", "田甜", "算法工程师", "Machine learning engineer", "data-training"),
        Person("ren.jia", "任佳", "数据工程师", "Data engineer", "data-pipelines"),
        Person("jiang.nan", "姜楠", "数据工程师", "Data engineer", "data-pipelines"),
        Person("fan.hong", "范虹", "数据工程师", "Data engineer", "data-pipelines"),
        Person("fang.zhou", "方舟", "值班工程师", "On-call engineer", "data-oncall"),
        Person("shi.lei", "石磊", "数据分析师", "Data analyst", "data-insight"),
        Person("yao.yuan", "姚远", "产品经理", "Product manager", "pks-data-viewers"),
    ],
    "iot": [
        Person("tan.xin", "谭昕", "物联网负责人", "Head of IoT", "pks-iot-admins"),
        Person("liao.kun", "廖坤", "运维工程师", "Operations engineer", "pks-iot-operators"),
        Person("zou.yang", "邹洋", "嵌入式工程师", "Embedded engineer", "iot-devices"),
        Person("xiong.wen", "熊文", "嵌入式工程师", "Embedded engineer", "iot-devices"),
        Person("jin.ming", "金明", "后端工程师", "Backend engineer", "iot-backend"),
        Person("lu.yao", "陆瑶", "后端工程师", "Backend engineer", "iot-backend"),
        Person("hao.ran", "郝然", "值班工程师", "On-call engineer", "iot-oncall"),
        Person("kong.wei", "孔维", "产品经理", "Product manager", "pks-iot-viewers"),
    ],
    "platform": [
        Person("zhang.wei", "张伟", "平台架构师", "Platform architect", "pks-platform-admins"),
        Person("liu.yang", "刘洋", "平台工程师", "Platform engineer", "platform-core"),
        Person("bai.lu", "白露", "平台实习生", "Platform trainee", ""),
    ],
    "audit": [
        Person("he.xin", "何欣", "内部审计师", "Internal auditor", "pks-auditors"),
        Person("shao.hua", "邵华", "内部审计师", "Internal auditor", "audit-technology"),
    ],
}
"""By organisational unit; the first five are the business lines."""

UNITS: Final = {
    "payments": "Payments 支付",
    "retail": "Retail 零售",
    "risk": "Risk 风控",
    "data": "Data & AI 数据智能",
    "iot": "IoT 物联网",
    "platform": "Platform engineering 平台工程",
    "audit": "Internal audit 内部审计",
}

TEAMS: Final[dict[str, tuple[str, str]]] = {
    "payments-clearing": ("清算组", "pks-payments-developers"),
    "payments-gateway": ("支付网关组", "pks-payments-developers"),
    "payments-oncall": ("支付值班组", "pks-payments-operators"),
    "payments-compliance": ("支付合规组", "pks-payments-viewers"),
    "retail-store": ("门店组", "pks-retail-developers"),
    "retail-orders": ("订单组", "pks-retail-developers"),
    "retail-oncall": ("零售值班组", "pks-retail-operators"),
    "retail-insight": ("零售分析组", "pks-retail-viewers"),
    "risk-rules": ("规则组", "risk-engineering"),
    "risk-models": ("模型组", "risk-engineering"),
    "risk-engineering": ("风控研发部", "pks-risk-developers"),
    "risk-fraud": ("反欺诈组", "pks-risk-viewers"),
    "risk-oncall": ("风控值班组", "pks-risk-operators"),
    "data-training": ("训练组", "pks-data-developers"),
    "data-pipelines": ("数据管道组", "pks-data-developers"),
    "data-oncall": ("数据值班组", "pks-data-operators"),
    "data-insight": ("数据分析组", "pks-data-viewers"),
    "iot-devices": ("设备组", "pks-iot-developers"),
    "iot-backend": ("物联网后端组", "pks-iot-developers"),
    "iot-oncall": ("物联网值班组", "pks-iot-operators"),
    "platform-core": ("平台核心组", "pks-platform-admins"),
    "audit-technology": ("科技审计组", "pks-auditors"),
}
"""Team group: its Chinese name, and the group that it is nested in."""

SHOWN: Final = (
    ("li.na", "payments", "operator"),
    ("sun.li", "payments", "admin"),
    ("wu.hao", "payments", "developer"),
    ("wang.fang", "payments", "viewer"),
    ("chen.jie", "retail", "operator"),
    ("zhang.wei", "platform", "platform-admin"),
    ("liu.yang", "platform", "platform-admin"),
    ("he.xin", "platform", "auditor"),
    ("zhao.min", "payments", "disabled"),
)
"""The accounts that `make run` prints: login name, where, role."""
