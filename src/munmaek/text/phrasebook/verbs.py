"""Verbs and predicates with their frames: which objects, places and manners make sense with them.

Flags of a verb, one letter each:

* ``r`` may be asked of someone for their own sake (-(으)세요), ``b`` as a favour (-아/어 주세요);
* ``p`` may be proposed (-자), ``w`` takes a companion (with Minsu);
* ``g`` has a progressive, ``s`` is a state (no request, no ability);
* ``o`` may describe its object in a relative clause (the book that Minsu bought);
* ``m`` can be done while listening to music; ``f`` speaks of its object in general (apples);
* ``d`` definite object in requests (the letter), because both know which one;
* ``e`` everyday matters, which other things are before or after; ``q`` may go on when something
  else happens; ``n`` is done once and never as a habit,
  ``y`` only ever told afterwards;
* ``i`` happens indoors as a rule, ``u`` under the open sky: what the weather may explain.
"""

from dataclasses import dataclass

from munmaek.text.phrasebook import lexicon
from munmaek.text.phrasebook.korean import Kind, Stem
from munmaek.text.phrasebook.lexicon import Noun, Place

__all__ = [
    "ACTIVITIES",
    "BACKGROUND",
    "DESCRIBED_BY",
    "DESCRIPTIONS",
    "EVENTS",
    "GOING",
    "LIVING",
    "PEOPLE_VERBS",
    "PRODUCED",
    "PRODUCING",
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

SMALL_THINGS = lexicon.GOODS[:8]
"""What one carries, chooses, looks for: bag, umbrella, pencil, notebook, camera and so on."""
BOOKS = lexicon.READABLE[:4]
LETTER, EMAIL = lexicon.WRITABLE[0], lexicon.WRITABLE[3]
LIGHT = Noun("불", "light", "the")
MUSIC, SONG, RADIO = lexicon.AUDIO
COFFEE, TEA, MILK = lexicon.DRINKS[:3]
WATER = lexicon.WATER
STUDIES = (*lexicon.LANGUAGES, *lexicon.SUBJECTS)

VERBS = (
    _verb(
        "eat",
        "먹",
        R,
        lexicon.FOODS,
        places=EATING,
        manners="quickly, slowly, alone, together",
        flags="rpwgod",
        honorific=EAT,
        reasons="hungry",
    ),
    _verb(
        "eat",
        "먹",
        R,
        lexicon.DISHES,
        places="restaurant, home, kitchen, market",
        manners="quickly, slowly, alone, together",
        flags="rpwgd",
        honorific=EAT,
        reasons="hungry",
    ),
    _verb(
        "eat",
        "먹",
        R,
        lexicon.MEALS,
        places="restaurant, home, kitchen, school, office",
        manners="quickly, slowly, alone, together",
        flags="rpwge",
        honorific=EAT,
        reasons="hungry",
    ),
    _verb(
        "drink",
        "마시",
        R,
        lexicon.DRINKS,
        places="cafe, home, kitchen, office, living room, garden",
        manners="quickly, slowly, alone, together",
        flags="rpwgde",
        honorific=DRINK,
        reasons="thirsty tired",
    ),
    _verb(
        "cook",
        "요리하",
        HA,
        lexicon.DISHES[:5],
        places="kitchen, home, restaurant",
        manners="quickly, alone, together, well",
        flags="bpwgimeq",
        reasons="hungry",
    ),
    _verb(
        "bake",
        "굽",
        B,
        (lexicon.BREAD, lexicon.CAKE),
        places="kitchen, home",
        manners="alone, together, well",
        flags="bpwgim",
        reasons="hungry",
    ),
    _verb(
        "prepare",
        "준비하",
        HA,
        lexicon.MEALS,
        places="kitchen, home",
        manners="quickly, alone, together",
        flags="bpwgime",
    ),
    _verb(
        "make",
        "만들",
        R,
        (lexicon.SANDWICH, lexicon.CAKE, lexicon.DISHES[3], lexicon.DISHES[5]),
        places="home, kitchen",
        manners="quickly, well, alone, together",
        flags="bpwgim",
    ),
    _verb(
        "buy",
        "사",
        R,
        (*lexicon.GOODS[:8], lexicon.GIFT, *lexicon.CLOTHES),
        places=SHOP,
        manners="quickly, alone, together",
        flags="bpwoe",
    ),
    _verb(
        "buy",
        "사",
        R,
        (*lexicon.FOODS, *lexicon.DISHES[1:3], MILK),
        places="market, store",
        manners="quickly, alone, together",
        flags="bpwoe",
        reasons="hungry",
    ),
    _verb(
        "buy",
        "사",
        R,
        BOOKS,
        places="bookstore",
        manners="alone, together",
        flags="bpwo",
        reasons="bored",
    ),
    _verb(
        "sell",
        "팔",
        R,
        (*lexicon.FRUITS, lexicon.BREAD, *lexicon.CLOTHES[:3], *lexicon.GOODS[:3]),
        places="market, store",
        flags="gf",
    ),
    _verb(
        "read",
        "읽",
        R,
        lexicon.READABLE,
        places="library, home, room, cafe, park, train station",
        manners="quietly, slowly, quickly, alone, together",
        flags="bpwgdme",
        reasons="bored",
    ),
    _verb(
        "write",
        "쓰",
        R,
        lexicon.WRITABLE,
        places="home, room, cafe, library, office",
        manners="quickly, slowly, carefully, alone",
        flags="bgome",
        reasons="happy sad",
    ),
    _verb(
        "write",
        "쓰",
        R,
        (LETTER, EMAIL),
        recipient="에게",
        places="home, cafe, office",
        manners="quickly, carefully",
        flags="bgpm",
    ),
    _verb(
        "watch",
        "보",
        R,
        lexicon.SHOWS,
        places="theater, home, living room",
        manners="quietly, alone, together",
        flags="rpwgie",
        reasons="bored sad",
    ),
    _verb(
        "watch",
        "보",
        R,
        lexicon.GAMES,
        places="home, living room, cafe",
        manners="alone, together",
        flags="rpwgi",
        reasons="bored",
    ),
    _verb(
        "listen to",
        "듣",
        D,
        lexicon.AUDIO,
        places="room, home, cafe, park",
        manners="quietly, alone, together",
        flags="rpwge",
        reasons="bored sad tired",
    ),
    _verb(
        "sing",
        "부르",
        RE,
        (SONG,),
        places="home, school, park, garden",
        manners="loudly, happily, well, together, alone",
        flags="bpwgoq",
        reasons="happy",
    ),
    _verb(
        "learn",
        "배우",
        R,
        STUDIES,
        places="school, university",
        manners="quickly, together",
        flags="rpwg",
    ),
    _verb(
        "study",
        "공부하",
        HA,
        STUDIES,
        places=STUDY,
        manners="hard, quietly, alone, together",
        flags="rpwgmeq",
    ),
    _verb(
        "study",
        "공부하",
        HA,
        places=STUDY,
        manners="hard, quietly, alone, together",
        flags="rpwgmeq",
    ),
    _verb("teach", "가르치", R, STUDIES, places="school, university", manners="well", flags="g"),
    _verb(
        "play",
        "하",
        HA,
        lexicon.SPORTS,
        places=SPORT,
        manners="hard, happily, well, together",
        flags="rpwgue",
        reasons="bored happy",
    ),
    _verb(
        "play",
        "치",
        R,
        lexicon.INSTRUMENTS,
        places="home, school, room, living room",
        manners="well, quietly, happily, alone, together",
        flags="bpwgiqe",
        reasons="bored sad happy",
    ),
    _verb(
        "draw",
        "그리",
        R,
        (lexicon.GOODS[8], lexicon.GOODS[10]),
        places="school, home, classroom, park",
        manners="well, quickly, alone, together",
        flags="bpwgome",
        reasons="bored",
    ),
    _verb(
        "open",
        "열",
        R,
        (lexicon.WINDOW, lexicon.DOOR, lexicon.BOX),
        manners="quietly, slowly, carefully",
        flags="bpn",
        reasons="hot",
    ),
    _verb(
        "close",
        "닫",
        R,
        (lexicon.WINDOW, lexicon.DOOR),
        manners="quietly, slowly, carefully",
        flags="bpn",
        reasons="cold",
    ),
    _verb(
        "clean",
        "청소하",
        HA,
        lexicon.CLEANABLE,
        manners="quickly, quietly, alone, together",
        flags="bpwgimeq",
    ),
    _verb(
        "fix",
        "고치",
        R,
        lexicon.MENDABLE,
        places="home, office, school",
        manners="quickly, well, alone, carefully",
        flags="bpwgdmn",
    ),
    _verb(
        "choose",
        "고르",
        RE,
        (*lexicon.CLOTHES, *SMALL_THINGS, lexicon.GIFT, lexicon.READABLE[0]),
        places="store, department store",
        manners="quickly, slowly, carefully, together",
        flags="bpwogn",
    ),
    _verb(
        "look for",
        "찾",
        R,
        (*SMALL_THINGS, *BOOKS[:3]),
        places="room, home, school, library",
        manners="together",
        flags="bpwgdn",
    ),
    _verb(
        "lose",
        "잃어버리",
        R,
        (*SMALL_THINGS[:5], lexicon.GOODS[7], lexicon.CLOTHES[2]),
        places="school, park, train station, bus stop, market",
        flags="oy",
    ),
    _verb(
        "borrow",
        "빌리",
        R,
        BOOKS,
        places="library, school",
        flags="bpoe",
    ),
    _verb(
        "borrow",
        "빌리",
        R,
        (lexicon.GOODS[1], lexicon.GOODS[4], lexicon.GOODS[6]),
        places="school, office",
        flags="bpon",
    ),
    _verb(
        "send",
        "보내",
        R,
        (LETTER, EMAIL, lexicon.GIFT),
        recipient="에게",
        manners="quickly",
        flags="bpodn",
    ),
    _verb(
        "give",
        "주",
        R,
        (
            *SMALL_THINGS,
            lexicon.GIFT,
            *lexicon.FLOWERS,
            *lexicon.FRUITS[:3],
            lexicon.CAKE,
            lexicon.READABLE[0],
        ),
        recipient="에게",
        flags="rpodn",
    ),
    _verb(
        "show",
        "보여 주",
        R,
        (lexicon.GOODS[8], lexicon.GOODS[10], LETTER, lexicon.GIFT),
        recipient="에게",
        flags="rpdn",
    ),
    _verb(
        "bring",
        "가져오",
        R,
        (*SMALL_THINGS[:6], COFFEE, TEA, WATER, lexicon.READABLE[0]),
        flags="bodn",
    ),
    _verb(
        "carry",
        "나르",
        RE,
        (lexicon.BOX, *lexicon.FURNITURE),
        manners="together, carefully",
        flags="bpwgn",
    ),
    _verb("collect", "모으", R, (BOOKS[0], lexicon.GOODS[8], lexicon.CLOTHES[2]), flags="gf"),
    _verb(
        "wash",
        "빨",
        R,
        lexicon.CLOTHES[:2],
        places="home",
        manners="quickly, well, alone",
        flags="bpgimde",
    ),
    _verb(
        "plant",
        "심",
        R,
        lexicon.PLANTS,
        places="garden, park, school, village",
        manners="carefully, together",
        flags="bpwgun",
    ),
    _verb("grow", "기르", RE, lexicon.PLANTS, places="garden, home", manners="well", flags="gf"),
    _verb(
        "pour",
        "붓",
        S,
        (WATER,),
        places="kitchen",
        manners="slowly, carefully",
        flags="bdn",
    ),
    _verb(
        "build",
        "짓",
        S,
        lexicon.CLEANABLE[1:2],
        places="Seoul, Busan, village",
        manners="quickly, together, alone",
        flags="bpwn",
    ),
    _verb("take", "타", R, lexicon.VEHICLES, flags="rpwe", reasons="tired busy"),
    _verb("wear", "입", R, lexicon.CLOTHES[3:], flags="rgd", reasons="cold"),
    _verb("turn on", "켜", R, (LIGHT, RADIO), flags="bpn", manners="quickly"),
    _verb("turn off", "끄", R, (LIGHT, RADIO), flags="bpn", manners="quickly"),
    _verb(
        "like",
        "좋아하",
        HA,
        (
            *lexicon.FOODS,
            *lexicon.DISHES,
            *lexicon.DRINKS,
            *lexicon.SPORTS,
            *lexicon.SHOWS[:2],
            BOOKS[3],
            *lexicon.ANIMALS,
            *lexicon.FLOWERS,
            MUSIC,
            *lexicon.LANGUAGES[:2],
        ),
        manners="very much, really",
        flags="sf",
    ),
    _verb(
        "love",
        "사랑하",
        HA,
        (*lexicon.ANIMALS[:2], MUSIC, BOOKS[0]),
        manners="very much, really",
        flags="sf",
    ),
    _verb(
        "hate",
        "싫어하",
        HA,
        (*lexicon.DISHES[1:4], COFFEE, TEA, lexicon.SUBJECTS[2]),
        manners="really",
        flags="sf",
    ),
    _verb(
        "work",
        "일하",
        HA,
        manners="hard, together, alone, for a long time",
        places="office, company, hospital, restaurant, bank, store",
        flags="rpwgqe",
    ),
    _verb(
        "rest",
        "쉬",
        R,
        places="home, room, park, garden, cafe",
        manners="well, for a long time",
        flags="rpwgqe",
        reasons="tired sick",
    ),
    _verb(
        "sleep",
        "자",
        R,
        places="home, room",
        manners="well, for a long time, quietly",
        flags="rgiqe",
        honorific=SLEEP,
        reasons="tired sick",
    ),
    _verb(
        "lie down",
        "눕",
        B,
        places="room, home, garden, beach",
        flags="rn",
        where="에",
        reasons="tired sick",
    ),
    _verb(
        "walk",
        "걷",
        D,
        places="park, beach, garden, village",
        manners="slowly, quickly, alone, together, for a long time",
        flags="rpwgu",
        reasons="bored happy sad",
    ),
    _verb(
        "run",
        "뛰",
        R,
        places="park, playground, beach",
        manners="hard, quickly, together",
        flags="rpwgu",
        reasons="busy happy",
    ),
    _verb(
        "swim",
        "수영하",
        HA,
        places="swimming pool, beach",
        manners="well, hard, together",
        flags="rpwge",
        reasons="hot bored",
    ),
    _verb(
        "exercise",
        "운동하",
        HA,
        places="gym, park, home, playground",
        manners="hard, alone, together",
        flags="rpwge",
    ),
    _verb(
        "dance",
        "춤을 추",
        R,
        places="home, school, park, theater",
        manners="well, happily, together",
        flags="rpwgq",
        reasons="happy",
    ),
    _verb(
        "play",
        "놀",
        R,
        places="park, playground, home, beach, garden",
        manners="happily, together, alone, quietly",
        flags="rpwge",
        reasons="bored",
    ),
    _verb(
        "cry",
        "울",
        R,
        places="home, room, theater",
        manners="loudly, quietly, alone",
        flags="gq",
        reasons="sad sick",
    ),
    _verb("laugh", "웃", R, manners="loudly, happily, together", flags="gq", reasons="happy"),
    _verb(
        "travel",
        "여행하",
        HA,
        places="Busan, Jeju, America, Japan, England",
        manners="alone, together, for a long time",
        flags="pw",
        reasons="bored",
    ),
    _verb(
        "take a walk",
        "산책하",
        HA,
        places="park, beach, garden, village",
        manners="alone, together, slowly",
        flags="rpwgue",
        reasons="bored happy",
    ),
    _verb("hurry", "서두르", RE, flags="rpn", reasons="busy"),
    _verb("get up", "일어나", R, manners="quickly, slowly", flags="rp"),
    _verb(
        "stay",
        "있",
        R,
        places="home, room, library",
        manners="quietly, alone, together",
        flags="rpwi",
        honorific=Stem("계시", Kind.HONORIFIC),
        where="에",
        reasons="sick tired",
    ),
)
"""Activities; ``stay`` is the one whose Korean (있다) conjugates partly as an adjective."""

ACTIVITIES = tuple(verb for verb in VERBS if "s" not in verb.flags)

PEOPLE_VERBS = (
    _verb(
        "meet",
        "만나",
        R,
        places="park, cafe, train station, school, restaurant",
        manners="often",
        flags="bpo",
    ),
    _verb(
        "help",
        "돕",
        BW,
        places="school, office, hospital, kitchen",
        manners="often, quietly",
        flags="bpgo",
        reasons="happy",
    ),
    _verb(
        "wait for",
        "기다리",
        R,
        places="cafe, train station, bus stop, school, park",
        manners="alone, quietly, for a long time",
        flags="bpgo",
    ),
    _verb(
        "call",
        "전화하",
        HA,
        case="에게",
        manners="often, quickly",
        flags="bpo",
        reasons="bored happy sad",
    ),
    _verb("love", "사랑하", HA, manners="very much, really", flags="so"),
    _verb("like", "좋아하", HA, manners="very much, really", flags="so"),
    _verb("know", "알", R, manners="well", flags="so"),
    _verb("believe", "믿", R, manners="really", flags="so"),
    _verb("remember", "기억하", HA, manners="well", flags="so"),
    _verb("invite", "초대하", HA, manners="often", flags="bpo", reasons="happy bored"),
    _verb("visit", "방문하", HA, manners="often", flags="bpo", reasons="bored"),
    _verb("look for", "찾", R, places="park, train station, school, market", flags="gn"),
)
"""Verbs whose object is a person."""


def _goal(english: str, korean: str, kind: Kind, flags: str) -> Verb:
    names = (
        "school, home, library, hospital, park, market, store, bookstore, bank, beach, museum,"
        "theater, restaurant, cafe, swimming pool, gym, department store, Busan, Jeju, train station"
    )
    return _verb(
        english, korean, kind, places=names, flags=flags, manners="quickly, alone, together"
    )


GOING = (
    _goal("go", "가", R, "rpwgi"),
    _goal("come", "오", R, "rw"),
    _goal("run", "뛰어가", R, "w"),
    _goal("walk", "걸어가", R, "pw"),
)
LIVING = _verb(
    "live",
    "살",
    R,
    where="에",
    places=", ".join((*lexicon.CITIES, "village")),
    flags="w",
    manners="alone, together, happily",
)


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

LISTEN = next(verb for verb in VERBS if verb.english == "listen to")
SIP = next(verb for verb in VERBS if verb.english == "drink")
BACKGROUND = ((LISTEN, MUSIC), (LISTEN, RADIO), (SIP, COFFEE), (SIP, TEA))
"""What can be done meanwhile."""


DESCRIBED_BY = {
    "eat": ("buy", "give", "bake"),
    "drink": ("bring", "buy"),
    "read": ("buy", "write", "borrow", "send", "give", "bring"),
    "listen to": ("sing",),
    "fix": ("buy", "borrow", "lose", "give"),
    "look for": ("buy", "lose", "borrow", "give"),
    "lose": ("buy", "borrow", "give"),
    "send": ("write", "buy", "choose"),
    "give": ("buy", "choose", "draw"),
    "show": ("draw", "write", "buy", "send"),
    "bring": ("buy", "borrow", "lose", "choose"),
    "wear": ("buy", "choose"),
    "wash": ("buy",),
    "buy": ("choose",),
    "borrow": ("buy",),
    "plant": ("give",),
}
"""Which verbs may say in a relative clause what became of the object before: ate the bread that
Minsu bought."""
PRODUCING = {"cook", "bake", "make", "write", "draw", "build", "prepare"}
PRODUCED = {"delicious", "sweet", "spicy", "long", "short", "big", "small", "pretty", "beautiful"}
"""Adjectives of what is only just being made."""


def is_a(korean: str, english: str) -> Verb:
    """The predicate of being someone: a student, 학생이다."""
    return Verb(english, Stem(korean + "이", Kind.COPULA, adjective=True), flags="s")
