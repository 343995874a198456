"""The shapes of lexicon entries, and the nouns: people, things, places, times.

A ``Chunk`` is a fixed pair of expressions whose pieces correspond one to one: ``every|morning``
against ``매일|아침`` links every to 매일 and morning to 아침, while ``in the morning`` against
``아침에`` links all three English words to the one Korean word.
"""

from dataclasses import dataclass, field

from phrasebook.english import PLURAL, THIRD, plural

__all__ = [
    "ADJECTIVES",
    "ADVERBS",
    "ANIMALS",
    "AUDIO",
    "BOOK",
    "BOOKS",
    "BOX",
    "BREAD",
    "CAKE",
    "CITIES",
    "CLEANABLE",
    "CLOTHES",
    "DISHES",
    "DOOR",
    "DRINKS",
    "EGG",
    "EMAIL",
    "FITTING",
    "FLOWERS",
    "FOODS",
    "FRUITS",
    "FURNITURE",
    "GAMES",
    "GIFT",
    "GOODS",
    "INSTRUMENTS",
    "KIN",
    "LANGUAGES",
    "LETTER",
    "MEALS",
    "MENDABLE",
    "NAMES",
    "PLACES",
    "PLANTS",
    "PLURAL_PEOPLE",
    "PROFESSIONS",
    "READABLE",
    "ROLES",
    "SANDWICH",
    "SHOWS",
    "SPORTS",
    "SUBJECTS",
    "TIMES",
    "TREE",
    "VEHICLES",
    "VISIBLE",
    "WATER",
    "WINDOW",
    "WRITABLE",
    "Adjective",
    "Chunk",
    "Noun",
    "Person",
    "Place",
    "Time",
    "chunk",
]


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """A fixed expression: each word with the number of the piece that it belongs to."""

    korean: tuple[tuple[str, int], ...]
    english: tuple[tuple[str, int], ...]
    pieces: int


def chunk(korean: str, english: str) -> Chunk:
    """A chunk from two strings with ``|`` between pieces that correspond."""
    return Chunk(_pieces(korean), _pieces(english), korean.count("|") + 1)


def _pieces(text: str) -> tuple[tuple[str, int], ...]:
    return tuple((w, i) for i, piece in enumerate(text.split("|")) for w in piece.split())


@dataclass(frozen=True, slots=True, eq=False)
class Noun:
    """A thing. ``determiner`` is a, the, some, or nothing; ``counter`` is how Korean counts it."""

    korean: str
    english: str
    determiner: str = "a"
    counter: str = ""
    cup: str = ""
    """The English measure of a drink (cup, glass), where the counter counts vessels."""
    fitting: tuple[str, ...] = ()
    """English names of the adjectives that may stand before it."""
    plural: bool = False
    """Whether the English word is a plural, such as shoes."""

    @property
    def several(self) -> str:
        """The English plural; mass nouns have none and stay as they are."""
        return self.english if self.plural or self.determiner != "a" else plural(self.english)


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Someone. ``pronoun`` is he, she or they; empty where English would have to guess."""

    korean: str
    english: str
    pronoun: str = ""
    possessor: str = ""
    """The Korean word for the English ``my``: 우리 or 내; empty where there is none."""
    determiner: str = ""
    honored: bool = False
    agreement: int = THIRD


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Somewhere. ``at`` and ``to`` are the English prepositions with the article."""

    korean: str
    english: str
    at: str
    outdoors: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Adjective:
    """An adjective before a noun; ``korean`` is already its adnominal form."""

    korean: str
    english: str


@dataclass(frozen=True, slots=True, eq=False)
class Time:
    """When, and with which tenses (of past, present, future, now) it goes."""

    words: Chunk
    tenses: frozenset[str] = field(default_factory=lambda: frozenset[str]())


def _words(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in row.split("/")] for row in table.strip().splitlines()]


_ADJECTIVES = """
맛있는 / delicious
단 / sweet
매운 / spicy
뜨거운 / hot
차가운 / cold
따뜻한 / warm
신선한 / fresh
재미있는 / interesting
슬픈 / sad
긴 / long
짧은 / short
어려운 / difficult
쉬운 / easy
새 / new
오래된 / old
작은 / small
큰 / big
예쁜 / pretty
아름다운 / beautiful
비싼 / expensive
싼 / cheap
좋은 / good
빨간 / red
파란 / blue
하얀 / white
까만 / black
노란 / yellow
가벼운 / light
무거운 / heavy
친절한 / kind
부지런한 / diligent
똑똑한 / smart
유명한 / famous
젊은 / young
조용한 / quiet
시끄러운 / noisy
깨끗한 / clean
빠른 / fast
귀여운 / cute
게으른 / lazy
"""
ADJECTIVES = {en: Adjective(ko, en) for ko, en in _words(_ADJECTIVES)}

FITTING: dict[str, tuple[str, ...]] = {
    "drink": ("hot", "cold", "warm", "delicious"),
    "water": ("hot", "cold", "warm"),
    "fruit": ("delicious", "sweet", "fresh", "cheap"),
    "baked": ("delicious", "warm"),
    "cake": ("delicious", "sweet", "big", "small"),
    "dish": ("delicious", "spicy"),
    "text": ("interesting", "long", "short", "difficult", "easy", "new", "old", "sad", "famous"),
    "mail": ("long", "short", "sad", "interesting"),
    "show": ("interesting", "long", "sad", "new", "old", "famous", "good"),
    "audio": ("beautiful", "quiet", "good", "old", "sad"),
    "goods": ("new", "old", "small", "big", "pretty", "expensive", "cheap", "red", "blue", "good"),
    "clothes": ("new", "pretty", "expensive", "cheap", "red", "blue", "white", "black", "warm"),
    "gift": ("big", "small", "expensive", "pretty"),
    "game": ("interesting", "long", "good"),
    "fixed": ("big", "small", "old"),
    "box": ("big", "small", "heavy"),
    "room": ("big", "small"),
    "animal": ("small", "big", "cute", "white", "black", "smart"),
    "flower": ("red", "white", "yellow", "beautiful", "small", "pretty"),
    "tree": ("big", "small", "beautiful", "old"),
    "person": ("kind", "young", "smart", "diligent", "famous"),
    "place": ("quiet", "big", "small", "clean", "old", "new", "famous", "noisy"),
}


def _nouns(kind: str, table: str) -> tuple[Noun, ...]:
    """Rows of Korean / English with its determiner / counter / cup. ``~`` marks a plural."""
    return tuple(_noun(FITTING.get(kind, ()), *row) for row in _words(table))


def _noun(fitting: tuple[str, ...], korean: str, english: str, counter: str, cup: str) -> Noun:
    is_plural = english.startswith("~")
    head, _, rest = english.lstrip("~").partition(" ")
    fixed = head in {"a", "the"}
    name = rest if fixed else english.lstrip("~")
    return Noun(korean, name, head if fixed else "", counter, cup, fitting, is_plural)


(WATER,) = _nouns("water", "물 / water / 잔 / glass")
BEVERAGES = _nouns(
    "drink",
    """
커피 / coffee / 잔 / cup
차 / tea / 잔 / cup
우유 / milk / 잔 / glass
주스 / juice / 잔 / glass
""",
)
BREAD, EGG, SANDWICH = _nouns(
    "baked", "빵 / bread //\n달걀 / a egg / 개 /\n샌드위치 / a sandwich / 개 /"
)
(CAKE,) = _nouns("cake", "케이크 / a cake / 개 /")
DRINKS = (*BEVERAGES, WATER)
FRUITS = _nouns(
    "fruit",
    """
사과 / a apple / 개 /
바나나 / a banana / 개 /
오렌지 / a orange / 개 /
과일 / fruit //
""",
)
FOODS = (BREAD, EGG, SANDWICH, CAKE, *FRUITS)
DISHES = _nouns(
    "dish",
    """
국수 / ~noodles //
고기 / meat //
생선 / fish //
수프 / soup //
불고기 / bulgogi //
김치 / kimchi //
""",
)
MEALS = _nouns("", "아침밥 / breakfast //\n점심 / lunch //\n저녁 / dinner //")
BOOK, NEWSPAPER, MAGAZINE, NOVEL, POEM, COMIC = _nouns(
    "text",
    """
책 / a book / 권 /
신문 / a newspaper / 부 /
잡지 / a magazine / 권 /
소설 / a novel / 권 /
시 / a poem / 편 /
만화책 / a comic book / 권 /
""",
)
LETTER, EMAIL = _nouns("mail", "편지 / a letter / 통 /\n이메일 / a email / 통 /")
BOOKS = (BOOK, NEWSPAPER, MAGAZINE, NOVEL)
READABLE = (*BOOKS, POEM, COMIC, LETTER, EMAIL)
WRITABLE = (LETTER, EMAIL, POEM, NOVEL)
SHOWS = _nouns(
    "show",
    """
영화 / a movie / 편 /
드라마 / a drama / 편 /
연극 / a play / 편 /
""",
)
GAMES = _nouns("game", "축구 경기 / a soccer game //\n야구 경기 / a baseball game //")
AUDIO = (
    *_nouns("audio", "음악 / music //\n노래 / a song / 곡 /"),
    *_nouns("", "라디오 / the radio //"),
)
CLOTHES = _nouns(
    "clothes",
    """
옷 / ~clothes //
신발 / ~shoes //
모자 / a hat / 개 /
외투 / a coat / 벌 /
치마 / a skirt / 벌 /
""",
)
GOODS = _nouns(
    "goods",
    """
가방 / a bag / 개 /
우산 / a umbrella / 개 /
연필 / a pencil / 자루 /
공책 / a notebook / 권 /
카메라 / a camera / 대 /
컴퓨터 / a computer / 대 /
자전거 / a bicycle / 대 /
시계 / a watch / 개 /
지도 / a map / 장 /
의자 / a chair / 개 /
그림 / a picture / 장 /
""",
)
(GIFT,) = _nouns("gift", "선물 / a gift / 개 /")
FURNITURE = _nouns("fixed", "책상 / the desk //\n의자 / the chair //\n침대 / the bed //")
MENDABLE = (*GOODS[4:8], GOODS[9])
WINDOW, DOOR = _nouns("fixed", "창문 / the window //\n문 / the door //")
(BOX,) = _nouns("box", "상자 / the box //")
CLEANABLE = _nouns(
    "room",
    """
방 / the room //
집 / the house //
부엌 / the kitchen //
교실 / the classroom //
거실 / the living room //
사무실 / the office //
""",
)
ANIMALS = _nouns("animal", "개 / a dog / 마리 /\n고양이 / a cat / 마리 /\n새 / a bird / 마리 /")
FLOWERS = _nouns("flower", "꽃 / a flower / 송이 /\n장미 / a rose / 송이 /")
(TREE,) = _nouns("tree", "나무 / a tree / 그루 /")
PLANTS = (*FLOWERS, TREE)
VEHICLES = _nouns(
    "", "버스 / a bus //\n기차 / a train //\n택시 / a taxi //\n지하철 / the subway //"
)
LANGUAGES = _nouns(
    "",
    """
한국어 / Korean //
영어 / English //
일본어 / Japanese //
중국어 / Chinese //
프랑스어 / French //
""",
)
SUBJECTS = _nouns("", "역사 / history //\n과학 / science //\n수학 / mathematics //")
SPORTS = _nouns(
    "", "축구 / soccer //\n야구 / baseball //\n농구 / basketball //\n테니스 / tennis //"
)
INSTRUMENTS = _nouns("", "피아노 / the piano //\n기타 / the guitar //")
VISIBLE = (*ANIMALS, *PLANTS)

NAMES = tuple(
    Person(korean, english, pronoun)
    for korean, english, pronoun in _words(
        """
민수 / Minsu / he
지영 / Jiyeong / she
지훈 / Jihun / he
수지 / Suji / she
동민 / Dongmin / he
혜진 / Hyejin / she
철수 / Cheolsu / he
유나 / Yuna / she
"""
    )
)
KIN = (
    Person("어머니", "mother", "she", "우리", honored=True),
    Person("아버지", "father", "he", "우리", honored=True),
    Person("할머니", "grandmother", "she", "우리", honored=True),
    Person("할아버지", "grandfather", "he", "우리", honored=True),
    Person("형", "older brother", "he", "우리"),
    Person("누나", "older sister", "she", "우리"),
    Person("남동생", "younger brother", "he", "내"),
    Person("여동생", "younger sister", "she", "내"),
    Person("친구", "friend", "", "내"),
)
ROLES = (
    Person("선생님", "teacher", "", "", "the", honored=True),
    Person("교수님", "professor", "", "", "the", honored=True),
    Person("학생", "student", "", "", "the"),
    Person("의사", "doctor", "", "", "the"),
    Person("간호사", "nurse", "", "", "the"),
    Person("가수", "singer", "", "", "the"),
    Person("작가", "writer", "", "", "the"),
    Person("요리사", "cook", "", "", "the"),
    Person("경찰관", "police officer", "", "", "the"),
    Person("농부", "farmer", "", "", "the"),
    Person("아이", "child", "", "", "the"),
)
PLURAL_PEOPLE = (
    Person("학생들", "students", "they", "", "the", agreement=PLURAL),
    Person("아이들", "children", "they", "", "the", agreement=PLURAL),
    Person("의사들", "doctors", "they", "", "the", agreement=PLURAL),
    Person("친구들", "friends", "they", "내", agreement=PLURAL),
)
PROFESSIONS = tuple(
    (korean, english)
    for korean, english in _words(
        """
학생 / student
의사 / doctor
간호사 / nurse
가수 / singer
작가 / writer
요리사 / cook
경찰관 / police officer
농부 / farmer
변호사 / lawyer
기자 / reporter
"""
    )
)

_PLACES = """
학교 / school / at
집 / home / at
도서관 / library / at the
대학교 / university / at the
회사 / company / at the
사무실 / office / at the
병원 / hospital / at the
공원 / park / in the / outdoors
부엌 / kitchen / in the
교실 / classroom / in the
방 / room / in the
거실 / living room / in the
식당 / restaurant / at the
카페 / cafe / at the
시장 / market / at the / outdoors
가게 / store / at the
서점 / bookstore / at the
백화점 / department store / at the
은행 / bank / at the
바닷가 / beach / at the / outdoors
운동장 / playground / on the / outdoors
기차역 / train station / at the
버스 정류장 / bus stop / at the / outdoors
박물관 / museum / at the
극장 / theater / at the
정원 / garden / in the / outdoors
수영장 / swimming pool / at the
체육관 / gym / at the
마을 / village / in the / outdoors
서울 / Seoul / in
부산 / Busan / in
제주도 / Jeju / in
미국 / America / in
일본 / Japan / in
영국 / England / in
"""
PLACES = {row[1]: Place(row[0], row[1], row[2], len(row) > 3) for row in _words(_PLACES)}
CITIES = ("Seoul", "Busan", "Jeju", "America", "Japan", "England")

_TIMES = """
매일 / every day / present
매일|아침 / every|morning / present
매일|저녁 / every|evening / present
매주|일요일에 / every|Sunday / present
주말마다 / every weekend / present
요즘 / these days / present
아침에 / in the morning / past present future
오후에 / in the afternoon / past present future
저녁에 / in the evening / past present future
밤에 / at night / past present
토요일에 / on Saturday / past present future
일요일에 / on Sunday / past present future
월요일에 / on Monday / past present future
주말에 / on the weekend / past present future
어제 / yesterday / past
어젯밤에 / last night / past
지난주에 / last week / past
지난달에 / last month / past
어제|아침에 / yesterday|morning / past
오늘 / today / past future
내일 / tomorrow / future
내일|아침에 / tomorrow|morning / future
오늘|밤에 / tonight / future
다음|주에 / next|week / future
지금 / now / now
"""


def _time(korean: str, english: str, tenses: str) -> Time:
    if korean.count("|") != english.count("|"):
        korean = korean.replace("|", " ")
    return Time(chunk(korean, english), frozenset(tenses.split()))


TIMES = tuple(_time(*row) for row in _words(_TIMES))

ADVERBS = {
    english.replace("|", " "): chunk(korean, english)
    for korean, english in _words(
        """
항상 / always
자주 / often
가끔 / sometimes
보통 / usually
조용히 / quietly
빨리 / quickly
천천히 / slowly
열심히 / hard
혼자 / alone
함께 / together
잘 / well
조심스럽게 / carefully
즐겁게 / happily
크게 / loudly
오래 / for a long time
아주|많이 / very|much
아주 / very
정말 / really
"""
    )
}
