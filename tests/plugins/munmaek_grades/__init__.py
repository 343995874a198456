"""A stage and a task of another package, which come in by entry points alone."""

from munmaek.models import Stage
from munmaek.tasks import Task

__all__ = ["STAGE", "TASK"]

STAGE = Stage(
    name="bag",
    context="the words of the text, in no order",
    adds="nothing but what words stand there",
    source="Iyyer et al. 2015",
    config="munmaek_grades.bag:BagConfig",
    networks={
        "classify": "munmaek_grades.bag:BagNetwork",
        "grade": "munmaek_grades.bag:BagNetwork",
    },
)

TASK = Task(
    name="grade",
    purpose="grade a text on a scale",
    verb="evaluate",
    headline=("mean_error",),
    work="munmaek_grades.task:Grades",
    model="munmaek_grades.task:Grader",
    recipe="munmaek_grades.task:GradeRecipe",
    asked="munmaek.tasks.asked:AskedRows",
    reads="a table of texts with a grade each",
)
