"""Verbs and predicates with their frames: which objects, places and manners make sense with them.

Flags of a verb, one letter each:

* ``r`` may be asked of someone for their own sake (-(으)세요), ``b`` as a favour (-아/어 주세요);
* ``p`` may be proposed (-자), ``w`` takes a companion (with Minsu);
* ``g`` has a progressive, ``s`` is a state (no request, no ability);
* ``o`` may describe its object in a relative clause (the book that Minsu bought);
* ``m`` can be done while listening to music; ``f`` speaks of its object in general (apples);
* ``d`` definite object in requests (the letter), because both know which one;
* ``i`` happens indoors as a rule, ``u`` under the open sky: what the weather may explain.
"""

from dataclasses import dataclass

from munmaek.text.phrasebook import lexicon
from munmaek.text.phrasebook.korean import Kind, Stem
from munmaek.text.phrasebook.lexicon import Noun, Place

__all__ = [
    "ACTIVITIES",
    "BACKGROUND",
    "DESCRIPTIONS",
    "EVENTS",
    "GOING",
    "LIVING",
    "PEOPLE_VERBS",
    "QUALITIES",
    "STATES",
    "VERBS",
    "WEATHER",
    "Verb",
    "is_a",
]

R, D, B, BW, S = Kind.REGULAR, Kind.D, Kind.B, Kind.B_WA, Kind.S
RE, H, HA = Kind.REU, Kind.H, Kind.HA


@dataclass(frozen=True, slots=True, eq=False)
class Verb:
    """A predicate in both languages with its frame. ``english`` may go on: take a walk."""

    english: str
    stem: Stem
    objects: tuple[Noun, ...] = ()
    case: str = "을/를"
    """The particle of its object."""
    preposition: str = ""
    """The English preposition of its object."""
    recipient: str = ""
    """The particle of its recipient, 에게, where it takes one."""
    places: tuple[Place, ...] = ()
    manners: tuple[str, ...] = ()
    flags: str = ""
    honorific: Stem | None = None
    """The stem that replaces this one for an honoured subject: 드시 for 먹."""
    where: str = "에서"
    """The particle of its place: 에 with living and staying."""
    reasons: tuple[str, ...] = ()
    """States of mind and body that explain doing it."""


EAT, DRINK = Stem("드시", Kind.HONORIFIC), Stem("드시", Kind.HONORIFIC)
SLEEP = Stem("주무시", Kind.HONORIFIC)


def _places(names: str) -> tuple[Place, ...]:
    return tuple(lexicon.PLACES[name.strip()] for name in names.split(",") if name.strip())


def _verb(
    english: str,
    korean: str,
    kind: Kind = R,
    objects: tuple[Noun, ...] = (),
    *,
    places: str = "",
    manners: str = "",
    flags: str = "",
    case: str = "을/를",
    preposition: str = "",
    recipient: str = "",
    honorific: Stem | None = None,
    where: str = "에서",
    reasons: str = "",
) -> Verb:
    manner = tuple(name.strip() for name in manners.split(",") if name.strip())
    return Verb(
        english,
        Stem(korean, kind, adjective=korean == "있"),
        objects,
        case,
        preposition,
        recipient,
        _places(places),
        manner,
        flags,
        honorific,
        where,
        tuple(reasons.split()),
    )


STUDY = "school, library, home, cafe, university"
SHOP = "market, store, department store"
SPORT = "park, playground, school, gym"
EATING = "restaurant, home, kitchen, cafe"
INDOORS = "home, room, living room"

VERBS = (
    _verb(
        "eat", "먹", R, lexicon.FOODS, places=EATING, manners="quickly, slowly, alone, together",
        flags="rpwgod", honorific=EAT, reasons="hungry",
    ),
    _verb(
        "eat", "먹", R, lexicon.DISHES, places="restaurant, home, kitchen, market",
        manners="quickly, slowly, alone, together", flags="rpwgd", honorific=EAT, reasons="hungry",
    ),
    _verb(
        "eat", "먹", R, lexicon.MEALS, places="restaurant, home, kitchen, school, office",
        manners="quickly, slowly, alone, together", flags="rpwg", honorific=EAT, reasons="hungry",
    ),
    _verb(
        "drink", "마시", R, lexicon.DRINKS, places="cafe, home, kitchen, office, living room, garden",
        manners="quickly, slowly, alone, together", flags="rpwgd", honorific=DRINK,
        reasons="thirsty tired",
    ),
    _verb(
        "cook", "요리하", HA, lexicon.DISHES, places="kitchen, home, restaurant",
        manners="quickly, alone, together, well", flags="bpwgim", reasons="hungry",
    ),
    _verb(
        "bake", "굽", B, (lexicon.FOODS[0], lexicon.FOODS[5], lexicon.DISHES[2]),
        places="kitchen, home", manners="alone, together, well", flags="bpwgim", reasons="hungry",
    ),
    _verb(
        "prepare", "준비하", HA, (*lexicon.MEALS, lexicon.GOODS[8]), places="kitchen, home",
        manners="quickly, alone, together", flags="bpwgim",
    ),
    _verb(
        "make", "만들", R, (*lexicon.FOODS[5:7], lexicon.DISHES[3], *lexicon.GOODS[10:11]),
        places="home, kitchen", manners="quickly, well, alone, together", flags="bpwgoim",
    ),
    _verb(
        "buy", "사", R, (*lexicon.GOODS[:10], *lexicon.CLOTHES, lexicon.FOODS[0]), places=SHOP,
        manners="quickly, alone, together", flags="bpwod",
    ),
    _verb(
        "buy", "사", R, (*lexicon.FOODS[:5], lexicon.FOODS[7], *lexicon.DISHES[1:3]),
        places="market, store", manners="quickly, alone, together", flags="bpwod",
        reasons="hungry",
    ),
    _verb(
        "buy", "사", R, lexicon.READABLE[:4], places="bookstore", manners="alone, together",
        flags="bpwod", reasons="bored",
    ),
    _verb(
        "sell", "팔", R, (*lexicon.FOODS[:5], *lexicon.CLOTHES[:3], *lexicon.GOODS[:3]),
        places="market, store", flags="gf",
    ),
    _verb(
        "read", "읽", R, lexicon.READABLE, places="library, home, room, cafe, park, train station",
        manners="quietly, slowly, quickly, alone, together", flags="bpwgodm", reasons="bored",
    ),
    _verb(
        "write", "쓰", R, lexicon.WRITABLE, places="home, room, cafe, library, office",
        manners="quickly, slowly, carefully, alone", flags="bgodm", reasons="happy sad",
    ),
    _verb(
        "write", "쓰", R, (lexicon.WRITABLE[0], lexicon.WRITABLE[3]), recipient="에게",
        places="home, cafe, office", manners="quickly, carefully", flags="bgpm",
    ),
    _verb(
        "watch", "보", R, lexicon.SHOWS[:3], places="theater, home, living room",
        manners="quietly, alone, together", flags="rpwgoi", reasons="bored sad",
    ),
    _verb(
        "watch", "보", R, lexicon.SHOWS[3:], places="home, living room, cafe",
        manners="alone, together", flags="rpwgi", reasons="bored",
    ),
    _verb(
        "listen to", "듣", D, lexicon.AUDIO, places="room, home, cafe, park",
        manners="quietly, alone, together", flags="rpwgo", reasons="bored sad tired",
    ),
    _verb(
        "sing", "부르", RE, lexicon.AUDIO[1:2], places="home, school, park, garden",
        manners="loudly, happily, well, together, alone", flags="bpwg", reasons="happy",
    ),
    _verb(
        "learn", "배우", R, (*lexicon.LANGUAGES, *lexicon.SUBJECTS), places="school, university",
        manners="hard, quickly, together", flags="rpwg",
    ),
    _verb(
        "study", "공부하", HA, (*lexicon.LANGUAGES, *lexicon.SUBJECTS), places=STUDY,
        manners="hard, quietly, alone, together", flags="rpwgm",
    ),
    _verb(
        "study", "공부하", HA, places=STUDY, manners="hard, quietly, alone, together",
        flags="rpwgm",
    ),
    _verb(
        "teach", "가르치", R, (*lexicon.LANGUAGES, *lexicon.SUBJECTS), places="school, university",
        manners="well, hard", flags="g",
    ),
    _verb(
        "play", "하", HA, lexicon.SPORTS, places=SPORT, manners="hard, happily, well, together",
        flags="rpwgu", reasons="bored happy",
    ),
    _verb(
        "play", "치", R, lexicon.INSTRUMENTS, places="home, school, room, living room",
        manners="well, quietly, happily, alone, together", flags="bpwgi",
        reasons="bored sad happy",
    ),
    _verb(
        "draw", "그리", R, (lexicon.GOODS[9], lexicon.GOODS[11]),
        places="school, home, classroom, park", manners="well, quickly, alone, together",
        flags="bpwgom", reasons="bored",
    ),
    _verb(
        "open", "열", R, lexicon.OPENABLE, manners="quietly, slowly, carefully", flags="bpd",
        reasons="hot",
    ),
    _verb(
        "close", "닫", R, lexicon.OPENABLE[:2], manners="quietly, slowly, carefully", flags="bpd",
        reasons="cold",
    ),
    _verb(
        "clean", "청소하", HA, lexicon.CLEANABLE, manners="quickly, hard, quietly, alone, together",
        flags="bpwgim",
    ),
    _verb(
        "fix", "고치", R, lexicon.MENDABLE, places="home, office, school",
        manners="quickly, well, alone, carefully", flags="bpwgodm",
    ),
    _verb(
        "choose", "고르", RE, (*lexicon.CLOTHES, *lexicon.GOODS[:10], lexicon.READABLE[0]),
        places="store, department store", manners="quickly, slowly, carefully, together",
        flags="bpwogd",
    ),
    _verb(
        "look for", "찾", R, (*lexicon.GOODS[:10], *lexicon.READABLE[:3]),
        places="room, home, school, library", manners="quickly, together", flags="bpwgd",
    ),
    _verb(
        "lose", "잃어버리", R, (*lexicon.GOODS[:5], lexicon.GOODS[7], lexicon.CLOTHES[2]),
        places="school, park, train station, bus stop, market", flags="o",
    ),
    _verb(
        "borrow", "빌리", R, (*lexicon.READABLE[:4], lexicon.GOODS[1], lexicon.GOODS[4]),
        places="library, school", flags="bpod",
    ),
    _verb(
        "send", "보내", R, (*lexicon.WRITABLE[:1], lexicon.WRITABLE[3], lexicon.GOODS[8]),
        recipient="에게", manners="quickly", flags="bpod",
    ),
    _verb(
        "give", "주", R, (*lexicon.GOODS[:9], *lexicon.PLANTS[::2], *lexicon.FOODS[1:5]),
        recipient="에게", flags="rpod",
    ),
    _verb(
        "show", "보여 주", R, (*lexicon.GOODS[8:10], lexicon.GOODS[11], lexicon.READABLE[4]),
        recipient="에게", flags="rpd",
    ),
    _verb(
        "bring", "가져오", R, (*lexicon.GOODS[:6], *lexicon.DRINKS[:3], lexicon.READABLE[0]),
        flags="bod",
    ),
    _verb(
        "carry", "나르", RE, (lexicon.OPENABLE[2], *lexicon.FURNITURE), manners="together, carefully",
        flags="bpwg",
    ),
    _verb(
        "collect", "모으", R, (*lexicon.READABLE[:1], lexicon.GOODS[9], *lexicon.CLOTHES[2:3]),
        flags="gf",
    ),
    _verb(
        "wash", "빨", R, lexicon.CLOTHES[:2], places="home", manners="quickly, well, alone",
        flags="bpgim",
    ),
    _verb(
        "plant", "심", R, lexicon.PLANTS, places="garden, park, school, village",
        manners="carefully, together", flags="bpwguo",
    ),
    _verb(
        "grow", "기르", RE, lexicon.PLANTS[::2], places="garden, home", manners="well",
        flags="gf",
    ),
    _verb(
        "pour", "붓", S, (lexicon.DRINKS[2],), places="kitchen", manners="slowly, carefully",
        flags="bd",
    ),
    _verb(
        "build", "짓", S, lexicon.CLEANABLE[1:2], places="Seoul, Busan, village",
        manners="quickly, together, alone", flags="bpw",
    ),
    _verb(
        "take", "타", R, lexicon.VEHICLES, flags="rpw", reasons="tired busy",
    ),
    _verb(
        "wear", "입", R, lexicon.CLOTHES[3:], flags="rgod", reasons="cold",
    ),
    _verb(
        "turn on", "켜", R, (Noun("불", "light", "the"), lexicon.AUDIO[2]), flags="bp",
        manners="quickly",
    ),
    _verb(
        "turn off", "끄", R, (Noun("불", "light", "the"), lexicon.AUDIO[2]), flags="bp",
        manners="quickly",
    ),
    _verb(
        "like", "좋아하", HA,
        (*lexicon.FOODS, *lexicon.DISHES, *lexicon.DRINKS, *lexicon.SPORTS, *lexicon.SHOWS[:2],
         *lexicon.READABLE[3:4], *lexicon.ANIMALS, *lexicon.PLANTS[::2], lexicon.AUDIO[0],
         *lexicon.LANGUAGES[:2]),
        manners="very much, really", flags="sf",
    ),
    _verb(
        "love", "사랑하", HA, (*lexicon.ANIMALS[:2], lexicon.AUDIO[0], lexicon.READABLE[0]),
        manners="very much, really", flags="sf",
    ),
    _verb(
        "hate", "싫어하", HA, (*lexicon.DISHES[1:4], *lexicon.DRINKS[:2], lexicon.SUBJECTS[2]),
        manners="really", flags="sf",
    ),
    _verb("work", "일하", HA, manners="hard, together, alone, for a long time",
          places="office, company, hospital, restaurant, bank, store", flags="rpwg"),
    _verb("rest", "쉬", R, places="home, room, park, garden, cafe", manners="well, for a long time",
          flags="rpwg", reasons="tired sick"),
    _verb("sleep", "자", R, places="home, room", manners="well, for a long time, quietly",
          flags="rgi", honorific=SLEEP, reasons="tired sick"),
    _verb("lie down", "눕", B, places="room, home, garden, beach", flags="r", where="에",
          reasons="tired sick"),
    _verb("walk", "걷", D, places="park, beach, garden, village",
          manners="slowly, quickly, alone, together, for a long time", flags="rpwgu",
          reasons="bored happy sad"),
    _verb("run", "뛰", R, places="park, playground, beach", manners="hard, quickly, together",
          flags="rpwgu", reasons="busy happy"),
    _verb("swim", "수영하", HA, places="swimming pool, beach", manners="well, hard, together",
          flags="rpwg", reasons="hot bored"),
    _verb("exercise", "운동하", HA, places="gym, park, home, playground",
          manners="hard, alone, together", flags="rpwg"),
    _verb("dance", "춤추", R, places="home, school, park, theater",
          manners="well, happily, together", flags="rpwg", reasons="happy"),
    _verb("play", "놀", R, places="park, playground, home, beach, garden",
          manners="happily, together, alone, quietly", flags="rpwg", reasons="bored"),
    _verb("cry", "울", R, places="home, room, theater", manners="loudly, quietly, alone",
          flags="g", reasons="sad sick"),
    _verb("laugh", "웃", R, manners="loudly, happily, together", flags="g", reasons="happy"),
    _verb("travel", "여행하", HA, places="Busan, Jeju, America, Japan, England",
          manners="alone, together, for a long time", flags="pw", reasons="bored"),
    _verb("take a walk", "산책하", HA, places="park, beach, garden, village",
          manners="alone, together, slowly", flags="rpwgu", reasons="bored happy"),
    _verb("hurry", "서두르", RE, flags="rp", reasons="busy"),
    _verb("get up", "일어나", R, manners="quickly, slowly", flags="rp"),
    _verb("stay", "있", R, places="home, room, library", manners="quietly, alone, together",
          flags="rpwi", honorific=Stem("계시", Kind.HONORIFIC), where="에",
          reasons="sick tired"),
)
"""Activities; ``stay`` is the one whose Korean (있다) conjugates partly as an adjective."""

ACTIVITIES = tuple(verb for verb in VERBS if "s" not in verb.flags)

PEOPLE_VERBS = (
    _verb("meet", "만나", R, places="park, cafe, train station, school, restaurant",
          manners="often", flags="bpo"),
    _verb("help", "돕", BW, places="school, office, hospital, kitchen", manners="often, quietly",
          flags="bpgo", reasons="happy"),
    _verb("wait for", "기다리", R, places="cafe, train station, bus stop, school, park",
          manners="alone, quietly, for a long time", flags="bpgo"),
    _verb("call", "전화하", HA, case="에게", manners="often, quickly", flags="bpo",
          reasons="bored happy sad"),
    _verb("love", "사랑하", HA, manners="very much, really", flags="so"),
    _verb("like", "좋아하", HA, manners="very much, really", flags="so"),
    _verb("know", "알", R, manners="well", flags="so"),
    _verb("believe", "믿", R, manners="really", flags="so"),
    _verb("remember", "기억하", HA, manners="well", flags="so"),
    _verb("invite", "초대하", HA, manners="often", flags="bpo", reasons="happy bored"),
    _verb("visit", "방문하", HA, manners="often", flags="bpo", reasons="bored"),
    _verb("look for", "찾", R, places="park, train station, school, market", flags="bpgo"),
)
"""Verbs whose object is a person."""


def _goal(english: str, korean: str, kind: Kind, flags: str) -> Verb:
    names = (
        "school, home, library, hospital, park, market, store, bookstore, bank, beach, museum,"
        "theater, restaurant, cafe, swimming pool, gym, department store, Busan, Jeju, train station"
    )
    return _verb(english, korean, kind, places=names, flags=flags, manners="quickly, alone, together")


GOING = (
    _goal("go", "가", R, "rpwgi"),
    _goal("come", "오", R, "rw"),
    _goal("run", "뛰어가", R, "w"),
    _goal("walk", "걸어가", R, "pw"),
)
LIVING = _verb("live", "살", R, where="에", places=", ".join((*lexicon.CITIES, "village")), flags="gw",
               manners="alone, together, happily")


def _adjective(english: str, korean: str, kind: Kind = R, flags: str = "") -> Verb:
    return Verb(f"be {english}", Stem(korean, kind, adjective=True), flags="s" + flags)


STATES = {
    "hungry": _adjective("hungry", "배가 고프"),
    "thirsty": _adjective("thirsty", "목이 마르", RE),
    "tired": _adjective("tired", "피곤하", HA),
    "sick": _adjective("sick", "아프"),
    "busy": _adjective("busy", "바쁘"),
    "happy": _adjective("happy", "행복하", HA),
    "sad": _adjective("sad", "슬프"),
    "bored": _adjective("bored", "심심하", HA),
    "cold": _adjective("cold", "춥", B),
    "hot": _adjective("hot", "덥", B),
}
"""How someone is for a while; the keys are the reasons that verbs name."""

QUALITIES = (
    _adjective("kind", "친절하", HA),
    _adjective("diligent", "부지런하", HA),
    _adjective("smart", "똑똑하", HA),
    _adjective("famous", "유명하", HA),
    _adjective("young", "젊"),
    _adjective("tall", "키가 크"),
    _adjective("lazy", "게으르", RE),
    _adjective("beautiful", "아름답", B),
)
"""How someone is at all times."""

DESCRIPTIONS = {
    "hot": _adjective("hot", "뜨겁", B),
    "cold": _adjective("cold", "차갑", B),
    "warm": _adjective("warm", "따뜻하", HA),
    "delicious": _adjective("delicious", "맛있"),
    "sweet": _adjective("sweet", "달"),
    "spicy": _adjective("spicy", "맵", B),
    "fresh": _adjective("fresh", "신선하", HA),
    "interesting": _adjective("interesting", "재미있"),
    "long": _adjective("long", "길"),
    "short": _adjective("short", "짧"),
    "difficult": _adjective("difficult", "어렵", B),
    "easy": _adjective("easy", "쉽", B),
    "small": _adjective("small", "작"),
    "big": _adjective("big", "크"),
    "pretty": _adjective("pretty", "예쁘"),
    "beautiful": _adjective("beautiful", "아름답", B),
    "expensive": _adjective("expensive", "비싸"),
    "cheap": _adjective("cheap", "싸"),
    "red": _adjective("red", "빨갛", H),
    "blue": _adjective("blue", "파랗", H),
    "white": _adjective("white", "하얗", H),
    "black": _adjective("black", "까맣", H),
    "yellow": _adjective("yellow", "노랗", H),
    "heavy": _adjective("heavy", "무겁", B),
    "sad": _adjective("sad", "슬프"),
    "famous": _adjective("famous", "유명하", HA),
    "fast": _adjective("fast", "빠르", RE),
    "quiet": _adjective("quiet", "조용하", HA),
    "cute": _adjective("cute", "귀엽", B),
    "smart": _adjective("smart", "똑똑하", HA),
}
"""How a thing is; the keys are the adjectives that nouns call fitting."""

WEATHER = {
    "good": (
        _adjective("good", "좋"),
        _adjective("warm", "따뜻하", HA),
    ),
    "bad": (
        _adjective("bad", "나쁘"),
        _adjective("cold", "춥", B),
        _adjective("hot", "덥", B),
        Verb("rain", Stem("비가 오"), flags="s"),
        Verb("snow", Stem("눈이 오"), flags="s"),
    ),
}
"""What the weather is or does; rain and snow have no subject in Korean beyond their own noun."""

EVENTS = (
    ("수업", "class", _verb("end", "끝나"), _verb("start", "시작되")),
    ("영화", "movie", _verb("end", "끝나"), _verb("start", "시작되")),
    ("회의", "meeting", _verb("end", "끝나"), _verb("start", "시작되")),
    ("시험", "test", _verb("end", "끝나"), _verb("start", "시작되")),
)
"""What other things are before or after."""

BACKGROUND = (
    (VERBS[17], lexicon.AUDIO[0]),
    (VERBS[17], lexicon.AUDIO[2]),
    (VERBS[3], lexicon.DRINKS[0]),
    (VERBS[3], lexicon.DRINKS[1]),
)
"""What can be done meanwhile."""


def is_a(korean: str, english: str) -> Verb:
    """The predicate of being someone: a student, 학생이다."""
    return Verb(english, Stem(korean + "이", Kind.COPULA, adjective=True), flags="s")
