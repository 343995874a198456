"""Every word that people read in reports and viewers, in English and Korean.

One entry holds both languages, so a text cannot exist in one only. ``{names}`` are filled in when a
text is used. Korean entries put after a name only particles that do not depend on its last sound
(의, 보다, 에서, 도), since names of models come from anywhere.
"""

from dataclasses import dataclass

from munmaek.errors import ConfigError

__all__ = ["LANGUAGES", "TEXTS", "Catalogue"]

LANGUAGES = ("en", "ko")

TEXTS: dict[str, tuple[str, str]] = {
    # The page.
    "report.idea": (
        "A language model is a way to turn context into a prediction. "
        "Each stage answers better than the one before it: what is the context?",
        "언어 모델은 문맥을 예측으로 바꾸는 방법이다. "
        "단계마다 앞 단계보다 나은 답을 내놓는다: 문맥이란 무엇인가?",
    ),
    "report.empty": (
        "These results hold no models yet.",
        "이 결과에는 아직 모델이 없다.",
    ),
    "report.lineage": ("The lineage", "계보"),
    "report.lm": ("Predicting the next word", "다음 낱말 맞히기"),
    "report.classify": ("Telling texts apart", "글 가려내기"),
    "report.translate": ("Translating", "옮기기"),
    "report.alignment": ("Where translation looks", "번역이 보는 곳"),
    "report.fills": ("Filling the gap", "빈칸 채우기"),
    "report.limits": ("The limits that each stage answers", "단계마다 넘어선 한계"),
    "report.table": ("Everything, side by side", "한눈에 견주기"),
    "report.samples": ("In their own words", "스스로 이어 쓴 글"),
    "report.signatures": ("How each number was made", "수치를 얻은 방법"),
    "report.notes": ("Notes", "덧붙임"),
    "report.baseline": ("baseline", "기준선"),
    "report.interval": (
        "Whiskers, bands and ranges are 95 % intervals. "
        "Hover over a number to see how it was made.",
        "수염, 띠, 범위는 95 % 구간이다. 수치 위에 마우스를 올리면 얻은 방법이 보인다.",
    ),
    # Data and machine.
    "data.counts": (
        "{train} to train on, {valid} to validate, {test} to test",
        "학습 {train}, 검증 {valid}, 시험 {test}",
    ),
    "data.test": ("scored on the test data", "점수를 잰 시험 자료"),
    "data.validation": (
        "scored on the validation data, which also chose the weights",
        "점수를 잰 검증 자료(가중치를 고른 자료이기도 하다)",
    ),
    "about.machine": ("machine", "기계"),
    "about.command": ("command", "명령"),
    "about.made": ("made by", "만든 것"),
    "machine.cores.one": ("1 core", "코어 1개"),
    "machine.cores": ("{cores} cores", "코어 {cores}개"),
    # Tasks.
    "task.lm": ("language models", "언어 모델"),
    "task.classify": ("classifiers", "분류기"),
    "task.translate": ("translators", "번역기"),
    "task.mlm": ("masked words", "가린 낱말"),
    # Stages: name, context.
    "stage.ngram": ("n-gram", "엔그램"),
    "stage.ngram.context": ("the last n−1 tokens", "바로 앞 n−1개 토큰"),
    "stage.rnn": ("recurrent", "순환 신경망"),
    "stage.rnn.context": (
        "one hidden state, updated token by token",
        "토큰마다 새로 고치는 은닉 상태 하나",
    ),
    "stage.seq2seq": ("encoder–decoder", "인코더–디코더"),
    "stage.seq2seq.context": (
        "the encoder’s last state: one fixed context vector",
        "인코더의 마지막 상태: 고정된 문맥 벡터 하나",
    ),
    "stage.attention": ("attention", "어텐션"),
    "stage.attention.context": (
        "a new context vector for every output step, weighted over all encoder states",
        "출력 단계마다 모든 인코더 상태에 가중치를 주어 새로 만드는 문맥 벡터",
    ),
    "stage.self_attention": ("self-attention", "셀프 어텐션"),
    "stage.self_attention.context": (
        "for every token its own context vector, over the sentence itself",
        "문장 자신에서 토큰마다 따로 얻는 문맥 벡터",
    ),
    "stage.transformer": ("Transformer", "트랜스포머"),
    "stage.transformer.context": (
        "many heads, concatenated, fed forward, stacked",
        "여러 헤드를 이어 붙이고 순방향 층을 거쳐 쌓은 것",
    ),
    "stage.bert": ("BERT", "BERT"),
    "stage.bert.context": (
        "both sides at once: a deep stack, pre-trained by filling masked words",
        "양쪽을 한꺼번에: 가린 낱말을 채우며 미리 학습한 깊은 층",
    ),
    # Metrics and their units.
    "metric.perplexity": ("perplexity", "혼란도"),
    "metric.perplexity_known": ("perplexity of known tokens", "아는 토큰의 혼란도"),
    "metric.unknown_tokens": ("unknown tokens", "모르는 토큰"),
    "metric.word_perplexity": ("perplexity per word", "낱말당 혼란도"),
    "metric.bits_per_character": ("bits per character", "문자당 비트"),
    "metric.bits_per_byte": ("bits per byte", "바이트당 비트"),
    "metric.accuracy": ("accuracy", "정확도"),
    "metric.macro_f1": ("macro F1", "매크로 F1"),
    "metric.bleu": ("BLEU", "BLEU"),
    "metric.chrf": ("chrF", "chrF"),
    "metric.ter": ("TER", "TER"),
    "metric.aer": ("alignment error rate", "정렬 오류율"),
    "metric.precision": ("precision", "정밀도"),
    "metric.recall": ("recall", "재현율"),
    "metric.masked_accuracy": ("masked words right", "맞힌 가린 낱말"),
    "metric.masked_perplexity": ("perplexity, masked", "가린 낱말 혼란도"),
    # Columns of the table.
    "column.model": ("model", "모델"),
    "column.score": ("score", "점수"),
    "column.interval": ("95 % interval", "95 % 구간"),
    "column.parameters": ("parameters", "매개변수"),
    "column.size": ("size", "크기"),
    "column.train_time": ("training", "학습 시간"),
    "column.train_speed": ("tokens/s in training", "학습 토큰/초"),
    "column.use_speed": ("speed in use", "사용 속도"),
    "column.loss": ("validation loss", "검증 손실"),
    "unit.sentences": ("sentences/s", "문장/초"),
    "unit.texts": ("texts/s", "글/초"),
    "unit.tokens": ("tokens/s", "토큰/초"),
    # Axes.
    "axis.source_words": ("words in the source sentence", "원문의 낱말 수"),
    "axis.distance": ("distance from the first word, in tokens", "첫 낱말에서의 거리(토큰)"),
    "axis.influence": (
        "gradient norm, log scale",
        "기울기 노름, 로그 눈금",
    ),
    "axis.length": ("sentence length, in tokens", "문장 길이(토큰)"),
    "axis.work": ("multiplications for each token, log scale", "토큰당 곱셈 수, 로그 눈금"),
    "axis.weight": ("weight", "가중치"),
    "axis.gold": ("gold link", "정답 연결"),
    "limits.influence": (
        "How much the first word still moves the last prediction",
        "첫 낱말이 마지막 예측을 얼마나 움직이는가",
    ),
    "limits.work": (
        "How the work for one token grows with the sentence",
        "문장이 길어질 때 토큰 하나에 드는 계산",
    ),
    "translate.scores": ("By other measures", "다른 잣대로"),
    "translate.scores.hint": (
        "TER counts the edits for 100 words of the references; perplexity and bits are those of "
        "the references, read after their sources. Lower is better in all three; perplexities of "
        "different vocabularies do not compare.",
        "TER은 참조 번역 100낱말당 고칠 곳의 수, 혼란도와 비트는 원문 다음에 읽은 참조 번역의 것. "
        "셋 다 낮을수록 좋다. 어휘가 다른 모델의 혼란도끼리는 견줄 수 없다.",
    ),
    "translate.diagnosis": ("What could be wrong", "잘못된 곳 살피기"),
    "diagnosis.ignores_source": ("Does it read its source?", "원문을 읽는가?"),
    "diagnosis.copies": ("Does it copy?", "베끼는가?"),
    "diagnosis.repeats": ("Does it repeat itself?", "되풀이하는가?"),
    "diagnosis.perplexity": ("perplexity after the sources", "원문 다음의 혼란도"),
    "diagnosis.perplexity_shuffled": ("after the sources of others", "남의 원문 다음"),
    "diagnosis.same_outputs": ("same output as another", "남과 같은 출력"),
    "diagnosis.copied": ("output is the source", "원문 그대로"),
    "diagnosis.overlap": ("words of the source", "원문의 낱말"),
    "diagnosis.repeated": ("word pairs that came before", "앞에 나온 낱말 쌍"),
    "diagnosis.references": ("the references", "참조 번역"),
    "translate.by_length": (
        "{metric} by length of the source sentence",
        "원문 길이에 따른 {metric}",
    ),
    "translate.examples": ("The same sentence, translated by each", "같은 문장의 번역"),
    "translate.source": ("source", "원문"),
    "translate.reference": ("reference", "참조 번역"),
    "chart.sentences": ("{count} sentences", "{count}문장"),
    # What the demonstration is to teach: a claim, its numbers, and why it failed where it did.
    "report.lessons": ("What to see here", "여기서 볼 것"),
    "lesson.held": ("{claim}: {said}.", "{claim}: {said}."),
    "lesson.failed": (
        "This lesson failed here: “{claim}”. Instead: {said}. {why}",
        "여기서는 드러나지 않은 것: “{claim}”. 실제로는 {said}. {why}",
    ),
    "lesson.missing": (
        "This lesson cannot be checked: “{claim}”. {why}",
        "확인할 수 없는 것: “{claim}”. {why}",
    ),
    "lesson.why.untrained": (
        "It was not trained well: {faults}.",
        "학습이 제대로 되지 않았다: {faults}.",
    ),
    "lesson.why.rows": (
        "The numbers point that way, but the 95 % intervals overlap: {rows} test rows are too few "
        "for so small a difference.",
        "수치는 그쪽을 가리키지만 95 % 구간이 겹친다. 시험 {rows}줄은 이만한 차이를 가리기에 적다.",
    ),
    "lesson.why.unfinished": (
        "Its training was not finished: the validation loss of {label} still fell by {percent} "
        "between the last two validations, so it needs more steps.",
        "학습이 끝나지 않았다. {label}: 마지막 두 검증 사이에 검증 손실이 아직 {percent} 줄었으니 "
        "걸음이 더 필요하다.",
    ),
    "lesson.why.unknown": (
        "Training had come to rest and the rows are enough, so the claim does not hold for these "
        "models and this data.",
        "학습은 멎었고 자료도 모자라지 않으니, 이 모델과 자료에서는 성립하지 않는다.",
    ),
    "lesson.why.missing": (
        "The results have no such numbers.",
        "결과에 그 수치가 없다.",
    ),
    "lesson.lm.context.claim": (
        "A state that is carried along knows more of the context than counted n-grams",
        "이어 나르는 상태는 세어 둔 n-gram보다 문맥을 더 안다",
    ),
    "lesson.lm.context": (
        "{better} needs {value} bits for each character, {worse} {other}",
        "문자당 비트는 {better} {value}, {worse} {other}",
    ),
    "lesson.lm.gates.claim": (
        "Gates carry the first word further than a plain recurrence does",
        "게이트는 단순한 순환보다 첫 낱말을 더 멀리 나른다",
    ),
    "lesson.lm.gates": (
        "of its influence at distance {near}, {better} keeps {value} at distance {far}, {worse} "
        "{other}",
        "거리 {near}의 영향에 견주어 거리 {far}에 남은 것은 {better} {value}, {worse} {other}",
    ),
    "lesson.lm.depth.claim": (
        "Many heads and layers do better than one",
        "여러 헤드와 층은 하나보다 낫다",
    ),
    "lesson.lm.depth": (
        "{better} needs {value} bits for each character, one layer of {worse} {other}",
        "문자당 비트는 {better} {value}, 한 층의 {worse} {other}",
    ),
    "lesson.lm.mixture.claim": (
        "Mixed, counting and a network do at least as well as either alone",
        "세기와 신경망을 섞으면 어느 하나만 쓸 때보다 못하지 않다",
    ),
    "lesson.lm.mixture": (
        "{better} needs {value} bits for each character, {worse} alone {other}",
        "문자당 비트는 {better} {value}, {worse} 홀로 {other}",
    ),
    "lesson.classify.rnn.claim": (
        "A recurrent state tells sentence types apart at least as well as counted n-grams",
        "순환 상태는 문장 유형을 세어 둔 n-gram 못지않게 가려낸다",
    ),
    "lesson.classify.rnn": (
        "{better} is right on {value} of the test sentences, {worse} on {other}",
        "시험 문장에서 맞힌 몫은 {better} {value}, {worse} {other}",
    ),
    "lesson.classify.all.claim": (
        "Every stage learns to tell the types apart",
        "모든 단계가 유형을 가려낼 줄 알게 된다",
    ),
    "lesson.classify.all": (
        "the weakest, {better}, is right on {value}, {worse} on {other}",
        "가장 약한 {better} {value}, {worse} {other}",
    ),
    "lesson.translate.attention.claim": (
        "A new context vector for every word translates better than one fixed vector",
        "낱말마다 새로 만드는 문맥 벡터는 고정 벡터 하나보다 잘 옮긴다",
    ),
    "lesson.translate.attention": (
        "{better} reaches {value} BLEU, {worse} {other}",
        "BLEU는 {better} {value}, {worse} {other}",
    ),
    "lesson.translate.long.claim": (
        "One fixed vector falls behind most on long sentences",
        "고정 벡터 하나는 긴 문장에서 가장 뒤처진다",
    ),
    "lesson.translate.long": (
        "{better} leads {worse} by {other} BLEU on sources of {short} words, by {value} on those "
        "of {long}",
        "{better}의 BLEU가 {worse}보다 높은 만큼은 원문 {short}낱말에서 {other}, {long}낱말에서 "
        "{value}",
    ),
    "lesson.translate.transformer.claim": (
        "Attention alone, without recurrence, translates better than one fixed vector",
        "순환 없는 어텐션도 고정 벡터 하나보다 잘 옮긴다",
    ),
    "lesson.translate.transformer": (
        "{better} reaches {value} BLEU, {worse} {other}",
        "BLEU는 {better} {value}, {worse} {other}",
    ),
    "lesson.align.claim": (
        "Attention finds which words belong together, though no link was ever shown to it",
        "어텐션은 연결을 한 번도 보지 않고 어느 낱말이 서로 짝인지 찾아낸다",
    ),
    "lesson.align": (
        "the alignment error rate of {better} is {value}, of links {worse} {other}, of IBM Model "
        "1, which learns nothing but links, {ibm}",
        "정렬 오류율은 {better} {value}, 자리만 보고 이으면({worse}) {other}, "
        "연결만 배우는 IBM Model 1은 {ibm}",
    ),
    "lesson.mlm.claim": (
        "Reading both sides at once, an encoder learns to fill in what is hidden",
        "양쪽을 한꺼번에 읽는 인코더는 가린 것을 채울 줄 알게 된다",
    ),
    "lesson.mlm": (
        "{better} hits {value} of the masked words, the {worse} {other}",
        "가린 낱말을 맞힌 몫은 {better} {value}, {worse} {other}",
    ),
    "lesson.work.claim": (
        "Attention's work for a word grows with the sentence, that of a recurrence does not",
        "낱말 하나에 드는 계산이 어텐션에서는 문장과 함께 늘고 순환에서는 늘지 않는다",
    ),
    "lesson.work": (
        "from {near} to {far} tokens {better} multiplies {value} times as much for each, {worse} "
        "{other} times",
        "토큰 {near}개에서 {far}개로 길어지면 토큰당 곱셈이 {better} {value}배, {worse} {other}배",
    ),
    # How a model was trained.
    "report.training_faults": (
        "Trained too little, or wrongly (marked {mark} wherever they are shown)",
        "학습이 모자라거나 잘못된 모델 (나오는 곳마다 {mark} 표시)",
    ),
    # What to see: computed, and true of the data at hand.
    "finding.lm.one": (
        "{best} spends {value} bits on each character.",
        "{best}: 문자마다 {value}비트를 쓴다.",
    ),
    "finding.lm": (
        "{best} spends the fewest bits on each character, {value}: {percent} % fewer than {worst}.",
        "문자당 비트가 가장 적은 모델: {best}, {value}비트. {worst}보다 {percent} % 적다.",
    ),
    "finding.mixture.better": (
        "Mixed, the models need {percent} % fewer than {single}, the best of them alone.",
        "섞은 모델에서는 홀로 가장 나은 {single}보다 {percent} % 줄어든다.",
    ),
    "finding.mixture.no_better": (
        "Mixing does not help here: {single} alone needs {value}.",
        "여기서는 섞어도 이득이 없다: {single} 홀로 {value}비트.",
    ),
    "finding.overlap": (
        "The intervals of {first} and {second} overlap.",
        "{first}, {second}: 두 구간이 겹친다.",
    ),
    "finding.classify": (
        "{best} is right most often, on {value} of the test texts; {worst} on {low}.",
        "가장 자주 맞힌 모델: {best}, 시험 글의 {value}. {worst}의 정확도는 {low}.",
    ),
    "finding.classify.one": (
        "{best} is right on {value} of the test texts.",
        "{best}: 시험 글의 {value}에서 맞혔다.",
    ),
    "finding.baseline": (
        "The baseline, {label}, reaches {value}.",
        "기준선 {label}: {value}.",
    ),
    "finding.translate": (
        "{best} comes closest to the references: {value} BLEU, against {low} for {worst}.",
        "참조 번역에 가장 가까운 모델: {best}, BLEU {value}. {worst}의 BLEU는 {low}.",
    ),
    "finding.translate.one": (
        "{best} reaches {value} BLEU.",
        "{best}: BLEU {value}.",
    ),
    "finding.diagnosis.none": (
        "No model here ignores its source, copies it or repeats itself more than the references "
        "do.",
        "원문을 무시하거나, 베끼거나, 참조 번역보다 많이 되풀이하는 모델은 없다.",
    ),
    "finding.diagnosis.ignores_source": (
        "The source is ignored by {labels}: the sources of others serve nearly as well, or many "
        "sources get one and the same output.",
        "원문을 무시하는 모델: {labels}. 남의 원문으로도 거의 같게 맞히거나, "
        "여러 원문에 같은 출력을 낸다.",
    ),
    "finding.diagnosis.copies": (
        "The source is copied by {labels}: more of it stands in the outputs than in the "
        "references.",
        "원문을 베끼는 모델: {labels}. 참조 번역보다 많은 원문 낱말이 출력에 그대로 있다.",
    ),
    "finding.diagnosis.repeats": (
        "Repetition, more than in the references: {labels}.",
        "참조 번역보다 많이 되풀이하는 모델: {labels}.",
    ),
    "finding.same": (
        "All of them come to the same {metric}: {value}.",
        "모두 같은 {metric}: {value}.",
    ),
    "finding.aligners": (
        "{best} comes closest to the gold links: alignment error rate {value}, {worst} {low}.",
        "정답 연결에 가장 가까운 모델: {best}, 정렬 오류율 {value}. {worst}의 오류율은 {low}.",
    ),
    "finding.length": (
        "On sources of {short} words {worst} reaches {worst_short} {metric} and {best} "
        "{best_short}; on those of {long} words, {worst_long} against {best_long}.",
        "원문이 {short}낱말일 때 {worst}의 {metric} {worst_short}, {best}의 {metric} {best_short}. "
        "{long}낱말일 때는 {worst_long} 대 {best_long}.",
    ),
    "finding.alignment": (
        "{hits} of {total} linked target words give most weight to a source word "
        "that their gold link names.",
        "연결된 목표 낱말 {total}개 가운데 {hits}개에서 가장 큰 가중치가 정답 연결에 놓인다.",
    ),
    "finding.aer": (
        "Over all test sentences the alignment error rate is {value}.",
        "시험 문장 전체의 정렬 오류율: {value}.",
    ),
    "finding.fills": (
        "The hidden word comes first in {first} of {total} sentences, "
        "among those shown in {shown}.",
        "{total}문장 가운데 {first}문장에서 가린 낱말이 첫째 후보이고, "
        "{shown}문장에서 보인 후보 안에 있다.",
    ),
    "finding.influence": (
        "Of the influence it had at distance {near}, the first word keeps {worst_share} "
        "at distance {far} in {worst}, {best_share} in {best}.",
        "거리 {near}의 영향에 견주어 거리 {far}에 남은 첫 낱말의 영향: {worst}에서 {worst_share}, "
        "{best}에서 {best_share}.",
    ),
    "finding.work": (
        "From {near} to {far} tokens the multiplications for each token become {most_times} times "
        "as many in {most}, {least_times} times in {least}.",
        "토큰 {near}개에서 {far}개로 길어지면 토큰당 곱셈이 {most} {most_times}배, "
        "{least} {least_times}배가 된다.",
    ),
    "finding.work.order": (
        "They are counted, not timed: a recurrence must make its steps one after another, where "
        "attention makes all of them at once.",
        "시간이 아니라 수를 센 것이다. 순환은 한 걸음씩 차례로, 어텐션은 모두 한꺼번에 계산한다.",
    ),
}
"""Key → (English, Korean)."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The texts of one language."""

    language: str = "en"

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            message = f"language must be one of {', '.join(LANGUAGES)}, got '{self.language}'"
            raise ConfigError(message)

    def text(self, key: str, **values: object) -> str:
        """The text of ``key`` with its ``{names}`` filled in.

        Raises:
            KeyError: no such text, or a name without a value.
        """
        return TEXTS[key][LANGUAGES.index(self.language)].format_map(values)

    def known(self, key: str, fallback: str) -> str:
        """The text of ``key``, or ``fallback`` for what others named, such as a stage of theirs."""
        return self.text(key) if key in TEXTS else fallback
