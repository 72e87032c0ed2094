"""Chinese for the phrases of checks, measures and assessability. No native clinician has read this file yet."""

from collections.abc import Mapping

PHRASES: Mapping[str, str] = {
    "Phantoms: computer-generated images of no person.": "模体：计算机生成的图像，不属于任何人。",
    # assessability
    "no {}: enhancement shows only after contrast": "缺少{0}：强化只在注射对比剂后显示",
    "no {}: the core is bounded by enhancement and necrosis, which show only after contrast": (
        "缺少{0}：核心以强化和坏死为界，二者只在注射对比剂后显示"
    ),
    "no {}: necrosis is told from solid tumour by the enhancing rim around it": (
        "缺少{0}：坏死与实性肿瘤的区别在于其周围的强化环"
    ),
    "no {}: labels 1 and 3 in the segmentation are told apart by enhancement; read neither alone": (
        "缺少{0}：分割中的标签1与3依强化区分；不可单独判读任一个"
    ),
    "no {}: the outer border of the tumour is the border of its T2/FLAIR signal": (
        "缺少{0}：肿瘤的外缘就是其T2/FLAIR信号的边界"
    ),
    "no {}: edema and infiltration are seen as T2/FLAIR signal": "缺少{0}：水肿和浸润表现为T2/FLAIR信号",
    "no {}: the sign compares T2 with FLAIR": "缺少{0}：该征象需比较T2与FLAIR",
    "no {}: signal that is bright before contrast is not enhancement": "缺少{0}：注射对比剂前即亮的信号不是强化",
    # measures
    "no tumour found": "未发现肿瘤",
    "no tumour was found": "未发现肿瘤",
    "no tumour core was found": "未发现肿瘤核心",
    "no enhancing tumour was found": "未发现强化肿瘤",
    "no stochastic passes and no map of doubt were given": "没有随机推断，也没有不确定性图",
    "the model's doubt is stated for volumes only": "模型的不确定性只对体积给出",
    "the whole of which this is a share is empty": "作为分母的整体为空",
    "stated for the two volumes, not for it": "只对两个体积给出，不对此项给出",
    "{} stochastic passes; at least {} are needed": "{0}次随机推断；至少需要{1}次",
    "5th to 95th percentile of {} stochastic passes, stretched to hold the value": (
        "{0}次随机推断的第5至第95百分位数，并扩展到包含该值"
    ),
    "without and with the adjoining voxels whose entropy exceeds {} nats": "不含与含熵大于{0} nat的相邻体素",
    "no {} on the segmentation's grid": "分割网格上缺少{0}",
    "less than {} mL of tumour that does not enhance": "非强化肿瘤不足{0} mL",
    "too little brain outside the tumour to compare with": "肿瘤以外可供比较的脑组织太少",
    "no image on the segmentation's grid was given to find the midline in": "没有与分割同网格的图像可用来确定中线",
    "too little brain outside the tumour to find the midline in": "肿瘤以外的脑组织太少，无法确定中线",
    "the brain resembles no mirror image of itself (correlation {})": "脑与其镜像不相似（相关系数{0}）",
    "two estimates of the midline lie {} mm apart": "中线的两次估计相差{0} mm",
    "the enhancing tumour is solid: it surrounds no necrotic or non-enhancing part": (
        "强化肿瘤为实性：其内没有坏死或非强化部分"
    ),
    "enhancement lines {} of the border of label 1; that is no margin": "强化仅沿标签1边界的{0}；不构成边缘",
    "the enhancing tumour lies within the midline's error of {} mm": "强化肿瘤位于中线误差{0} mm之内",
    "the examinations are not registered to each other, so lesions cannot be matched": (
        "各次检查未互相配准，无法匹配病灶"
    ),
    "not measured before: {}": "既往未测量：{0}",
    "not measured now: {}": "本次未测量：{0}",
    "read by model {}, now by {}: read both with one model": (
        "既往由模型{0}判读，本次由{1}判读：请用同一模型判读两次检查"
    ),
    "read from {}, now from {}: read both from the sequences they share": (
        "既往由{0}判读，本次由{1}判读：请用两次共有的序列判读"
    ),
    "voxels of {} mm, now {} mm: resample both to one grid and read them again": (
        "体素既往{0} mm，本次{1} mm：请重采样到同一网格后重新判读"
    ),
    "no earlier examination was given": "没有给出既往检查",
    # VASARI
    "right": "右",
    "left": "左",
    "centre or both sides": "中央或双侧",
    "none": "无",
    "yes": "是",
    "no": "否",
    "all": "全部",
    "focal": "单灶",
    "up to {} %": "不超过{0}%",
    "{} to {} %": "{0}至{1}%",
    "more than {} %": "大于{0}%",
    "{} separate cores: multifocal, multicentric or gliomatosis": "{0}个独立核心：多灶、多中心或胶质瘤病",
    "no enhancement": "无强化",
    "solid, no part that does not enhance": "实性，没有非强化部分",
    "thin, less than 3 mm": "薄，小于3 mm",
    "thick, 3 mm or more": "厚，3 mm或以上",
    "{} enhancing satellites": "{0}个强化卫星灶",
    # checks: found
    "an image of many values": "有许多数值的图像",
    "{} different values": "{0}个不同数值",
    "a correlation of {} between neighbouring voxels": "相邻体素的相关系数为{0}",
    "{} of the content at its largest value": "{0}的内容处于最大值",
    "a spread of {} of the median": "离散度为中位数的{0}",
    "{} mL of content and {} of exact zeros": "{0} mL内容，{1}为零值",
    "{} mL of content": "{0} mL内容",
    "voxels of {} mm": "体素{0} mm",
    "{} of the largest cross-section in an outermost slice": "最外层占最大截面的{0}",
    "{} on another grid than {}": "{0}与{1}不在同一网格",
    "one grid ({})": "同一网格（{0}）",
    "a correlation of {} with the mirror image": "与镜像的相关系数为{0}",
    "sequences on different grids": "各序列网格不同",
    "signal in {} of the brain, {} of it almost black": "{0}的脑有信号，其中{1}几乎全黑",
    "signal in {} of the brain, {} of it almost black, {} mL missing in one piece": (
        "{0}的脑有信号，其中{1}几乎全黑，整块缺失{2} mL"
    ),
    "one and the same image": "同一幅图像",
    "a correlation of {}": "相关系数{0}",
    "fluid bright on t2 and dark on the other ({})": "液体在t2上亮，在另一序列上暗（{0}）",
    "no clear sign which of the two shows fluid bright ({})": "不能明确两者中哪个液体亮（{0}）",
    "fluid bright on {} and dark on t2 ({})": "液体在{0}上亮，在t2上暗（{1}）",
    "tissue that goes with t2 on flair ({})": "组织在flair上与t2一致（{0}）",
    "no clear sign on which of the two tissue goes with t2 ({})": "不能明确两者中哪个的组织与t2一致（{0}）",
    "tissue that goes with t2 on {} ({})": "组织在{0}上与t2一致（{1}）",
    "places that are brighter after contrast ({})": "有注射对比剂后变亮之处（{0}）",
    "no clear sign of contrast agent ({})": "没有对比剂的明确征象（{0}）",
    "places that are brighter on t1 than on t1c ({})": "有t1比t1c更亮之处（{0}）",
    "too little brain that both show": "两者共同显示的脑太少",
    "no tumour": "没有肿瘤",
    "a tumour": "有肿瘤",
    "{} mL": "{0} mL",
    "{} outside the largest of {} pieces": "共{1}块，最大块以外占{0}",
    "{} separate tumour cores, the largest {} of all": "{0}个独立肿瘤核心，最大者占{1}",
    "{} tumour voxels on the border": "边界上有{0}个肿瘤体素",
    "{} of the tumour where every image is 0": "肿瘤的{0}位于所有图像均为0之处",
    "{} on t2, {} on flair": "t2上{0}，flair上{1}",
    "{} on t2": "t2上{0}",
    "{} on flair": "flair上{0}",
    "{} robust SD": "{0}个稳健标准差",
    "no image for it on the segmentation's grid": "分割网格上没有可用图像",
    "too little tumour or too little healthy brain": "肿瘤太少或健康脑组织太少",
    "no enhancing tumour": "没有强化肿瘤",
    "not both of t1 and t1c on the segmentation's grid": "分割网格上没有同时具备t1和t1c",
    "too little enhancing tumour or too little healthy brain": "强化肿瘤太少或健康脑组织太少",
    # checks: expected
    "an image": "一幅图像",
    "more than 0.5, as in any anatomy": "大于0.5，如任何解剖结构",
    "at most 0.1 %": "不超过0.1%",
    "at most 0.02 %": "不超过0.02%",
    "at least 0.07, as grey matter, white matter and fluid have": "至少0.07，如灰质、白质和液体",
    "a brain without its skull: at most 2000 mL and 0 outside of it": "去颅骨的脑：不超过2000 mL，脑外为0",
    "at least 900 mL, an adult's brain": "至少900 mL，成人的脑",
    "edges of at most 3 mm": "边长不超过3 mm",
    "at most 20 %": "不超过20%",
    "one grid for all sequences": "所有序列同一网格",
    "one grid": "同一网格",
    "at least 0.3: two halves that are alike": "至少0.3：两半相似",
    "at least 80 %, at most 4 % almost black": "至少80%，几乎全黑不超过4%",
    "at least 80 %, at most 4 % almost black, at most 5 mL missing in one piece": (
        "至少80%，几乎全黑不超过4%，整块缺失不超过5 mL"
    ),
    "two different images": "两幅不同的图像",
    "fluid bright on t2 and dark on {}": "液体在t2上亮，在{0}上暗",
    "tissue that goes with t2 on flair more than on {}": "组织在flair上比在{0}上更与t2一致",
    "vessels and tumour brighter on t1c than on t1": "血管和肿瘤在t1c上比t1上亮",
    "a whole brain": "完整的脑",
    "a glioma, which is all that the model knows": "胶质瘤；模型只认识胶质瘤",
    "1 to 300 mL": "1至300 mL",
    "at most 30 %": "不超过30%",
    "one or two, or one that holds most": "一个或两个，或其中一个占绝大部分",
    "above +0.5 robust SD on one of them": "其中之一高于+0.5个稳健标准差",
    "above +0.5": "高于+0.5",
    "images and tumour to compare": "可供比较的图像和肿瘤",
    # checks: what to do
    "look at the image; export it again or leave it out": "查看图像；重新导出或不使用",
    "take a 3-D series if there is one; thin rims and small lesions may be missed, sizes are coarse": (
        "如有3-D序列请使用；可能漏掉薄环和小病灶，大小较粗略"
    ),
    "the field of view cuts the brain; volumes of a tumour at the cut are too small": (
        "视野截断了脑；截断处肿瘤的体积偏小"
    ),
    "remove the skull (e.g. HD-BET or SynthStrip) and register the sequences to each other": (
        "去除颅骨（如HD-BET或SynthStrip）并将各序列互相配准"
    ),
    "export the sequence again or leave it out": "重新导出该序列或不使用",
    "export without clipping; enhancement may be cut off": "导出时不要截幅；强化可能被截断",
    "this may be no brain: look at the image": "可能不是脑：请查看图像",
    "look whether the field of view or the brain mask cuts the brain": "查看视野或脑掩模是否截断了脑",
    "register and resample all sequences to one grid": "将所有序列配准并重采样到同一网格",
    "bring all sequences to one grid and check again": "将所有序列置于同一网格后重新检查",
    "this may be no brain, or one of which a half is missing: look at the images": (
        "可能不是脑，或缺少一半：请查看图像"
    ),
    "the field of view may be cut: look at this sequence": "视野可能被截断：请查看该序列",
    "one of the two has the wrong name: replace it or leave it out": "两者之一名称有误：请替换或不使用",
    "look whether the two files were swapped": "查看两个文件是否互换",
    "look whether the two files were swapped or no contrast was given": "查看两个文件是否互换，或未注射对比剂",
    "see the other checks": "参见其他检查",
    "do not read its answers about type and genes: they suppose a glioma": (
        "不要判读其关于类型和基因的回答：它们以胶质瘤为前提"
    ),
    "out of distribution: the images are unlike those of the training sites": "图像与各训练中心的图像不同",
    "a distance of {} from the training sites' patients": "与各训练中心患者的距离为{0}",
    "at most {}, as 95 % of patients held out there": "最多{0}，如当地95 %的留出患者",
    "too few patients of the training sites to compare {} with": "各训练中心可与{0}比较的患者过少",
    "none of its sequences": "其任何序列",
    "enough training patients and patients held out with the same sequences": "具有相同序列的足够训练患者和留出患者",
    "look whether scanner, protocol and preparation are usual before believing the result": (
        "采信结果前，查看扫描仪、方案和预处理是否常规"
    ),
    "do not believe the result: the model has not learned from such images; look at their preparation": (
        "不要采信结果：模型未学习过此类图像；查看其预处理"
    ),
    "judge by eye whether the images are usual": "目视判断图像是否常规",
    "look whether all of it is tumour": "查看是否全部为肿瘤",
    "look at every piece; several tumours, or a model that is lost": "逐块查看；可能有多个肿瘤，或模型出错",
    "think of metastases, abscesses, lymphoma, multifocal glioma: the model knows gliomas only": (
        "应考虑转移瘤、脓肿、淋巴瘤、多灶性胶质瘤：模型只认识胶质瘤"
    ),
    "the field of view cuts the tumour: its volume is a lower bound": "视野截断了肿瘤：其体积只是下限",
    "check that segmentation and images belong together and are not flipped": "核对分割与图像是否对应、有无翻转",
    "the segmentation may lie in the wrong place: look at it on T2 and FLAIR": (
        "分割的位置可能有误：请在T2和FLAIR上查看"
    ),
    "look whether it enhances or was bright before contrast (blood), and whether t1 and t1c were swapped": (
        "查看是强化还是注射对比剂前即亮（出血），以及t1与t1c是否互换"
    ),
    "judge it by eye": "请目视判断",
    # VASARI, what a mask does not tell
    "{}: needs an atlas registered to the patient": "需要配准到患者的图谱",
    "{}: is judged on the image, not on a mask; the skull is removed": "须在图像上判断，而非掩模；颅骨已去除",
    "{}: is judged on the image, not on a mask": "须在图像上判断，而非掩模",
    "{}: label 1 joins necrosis and non-enhancing tumour": "标签1合并了坏死与非强化肿瘤",
    "{}: needs another kind of image": "需要另一类图像",
    "enhancement was found; whether it is mild or marked is judged on the image, not on a mask": (
        "有强化；轻度还是明显须在图像上判断，而非掩模"
    ),
    "10th to 90th percentile along the margin": "沿边缘的第10至第90百分位数",
}
