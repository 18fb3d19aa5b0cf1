"""Write models/student, which the book's page runs in the reader's browser: the student of chapter 12 in int8, with its card.

Reads models/branches-student, exports it, quantises it (chapter 12's lesson code) and writes model.onnx, vocab.txt and card.json.
    python models/student.py
"""

import shutil
import tempfile
from pathlib import Path

from wordspace import branches, browser_model, lessons
from wordspace.paths import root

LONGEST = 40  # pieces of a text, [CLS] and [SEP] included, as in the chapter
CHINESE = {
    "Constitutional symptom": "全身症状",
    "Growth abnormality": "生长异常",
    "Neoplasm": "肿瘤",
    "blood and blood-forming tissues": "血液与造血组织",
    "cardiovascular system": "心血管系统",
    "digestive system": "消化系统",
    "ear": "耳",
    "endocrine system": "内分泌系统",
    "eye": "眼",
    "genitourinary system": "泌尿生殖系统",
    "head or neck": "头颈部",
    "immune system": "免疫系统",
    "integument": "皮肤及附属器",
    "limbs": "四肢",
    "metabolism/homeostasis": "代谢与内环境稳态",
    "musculoskeletal system": "肌肉骨骼系统",
    "nervous system": "神经系统",
    "prenatal development or birth": "产前发育与出生",
    "respiratory system": "呼吸系统",
}
EXAMPLES = ("hole in the heart", "webbed fingers", "yellow skin", "hearing loss in one ear", "brittle bones")


def write(folder: Path, source: Path) -> Path:
    """Write the files of the browser's student from those of the trained one, and return the card's path.

    Raises:
        encoders.MissingModel, ValueError: the trained student is missing or damaged (see ``load_student`` in chapter 12).
    """
    lesson = lessons.load("12_distillation")
    student = lesson.load_student(source)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        whole = lesson.exported(student, Path(scratch) / "student.onnx")
        lesson.int8_file(whole, folder / "model.onnx")
    shutil.copyfile(source / "vocab.txt", folder / "vocab.txt")
    labels = [{"en": name, "zh": CHINESE[name]} for name in branches.names()]
    return browser_model.write_card(folder, labels, LONGEST, EXAMPLES)


if __name__ == "__main__":
    card = write(browser_model.folder(), root() / "models" / "branches-student")
    print(f"written: {card.relative_to(root())}")
