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

from phrasebook import lexicon
from phrasebook.korean import Kind, Stem
from phrasebook.lexicon import Noun, Place

__all__ = [
    "ACTIVITIES",
    "BACKGROUND",
    "DESCRIBED_BY",
    "GOING",
    "KINDS",
    "LIKE",
    "LIVING",
    "PEOPLE_VERBS",
    "PRODUCED",
    "PRODUCING",
    "VERBS",
    "WORKING",
    "Verb",
]


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
    """The particle of its place: 에 with living, staying and going."""
    reasons: tuple[str, ...] = ()
    """States of mind and body that explain doing it."""


KINDS = {
    "": Kind.REGULAR,
    "ㄷ": Kind.D,
    "ㅂ": Kind.B,
    "와": Kind.B_WA,
    "ㅅ": Kind.S,
    "르": Kind.REU,
    "ㅎ": Kind.H,
    "하다": Kind.HA,
}
"""How tables name the ways in which stems change."""
HONORIFICS = {"먹": "드시", "마시": "드시", "자": "주무시", "있": "계시"}
STATIC = {"있", "눕", "살", "가", "오", "뛰어가", "걸어가"}
"""Verbs whose place or goal takes 에."""
SMALL_THINGS = lexicon.GOODS[:8]
"""What one carries, chooses, looks for: bag, umbrella, pencil, notebook, camera and so on."""
MAP, PICTURE = lexicon.GOODS[8], lexicon.GOODS[10]
BOOK, BOOKS, LETTER, EMAIL = lexicon.BOOK, lexicon.BOOKS, lexicon.LETTER, lexicon.EMAIL
HAT = lexicon.CLOTHES[2]
MUSIC, SONG, RADIO = lexicon.AUDIO
COFFEE, TEA, MILK, _ = lexicon.BEVERAGES
LIGHT = Noun("불", "light", "the")

OBJECTS: dict[str, tuple[Noun, ...]] = {
    "": (),
    "foods": lexicon.FOODS,
    "dishes": lexicon.DISHES,
    "meals": lexicon.MEALS,
    "drinks": lexicon.DRINKS,
    "cooked": lexicon.DISHES[:5],
    "baked": (lexicon.BREAD, lexicon.CAKE),
    "made": (lexicon.SANDWICH, lexicon.CAKE, lexicon.DISHES[3], lexicon.DISHES[5]),
    "wares": (*SMALL_THINGS, lexicon.GIFT, *lexicon.CLOTHES),
    "groceries": (*lexicon.FOODS, *lexicon.DISHES[1:3], MILK),
    "books": BOOKS,
    "sold": (*lexicon.FRUITS, lexicon.BREAD, *lexicon.CLOTHES[:3], *lexicon.GOODS[:3]),
    "readable": lexicon.READABLE,
    "writable": lexicon.WRITABLE,
    "mail": (LETTER, EMAIL),
    "shows": lexicon.SHOWS,
    "games": lexicon.GAMES,
    "audio": lexicon.AUDIO,
    "song": (SONG,),
    "studies": (*lexicon.LANGUAGES, *lexicon.SUBJECTS),
    "sports": lexicon.SPORTS,
    "instruments": lexicon.INSTRUMENTS,
    "drawn": (MAP, PICTURE),
    "openable": (lexicon.WINDOW, lexicon.DOOR, lexicon.BOX),
    "closable": (lexicon.WINDOW, lexicon.DOOR),
    "rooms": lexicon.CLEANABLE,
    "mendable": lexicon.MENDABLE,
    "chosen": (*lexicon.CLOTHES, *SMALL_THINGS, lexicon.GIFT, BOOK),
    "sought": (*SMALL_THINGS, *BOOKS[:3]),
    "lost": (*SMALL_THINGS[:5], lexicon.GOODS[7], HAT),
    "lent": (lexicon.GOODS[1], lexicon.GOODS[4], lexicon.GOODS[6]),
    "sent": (LETTER, EMAIL, lexicon.GIFT),
    "given": (
        *SMALL_THINGS,
        lexicon.GIFT,
        *lexicon.FLOWERS,
        *lexicon.FRUITS[:3],
        lexicon.CAKE,
        BOOK,
    ),
    "shown": (MAP, PICTURE, LETTER, lexicon.GIFT),
    "brought": (*SMALL_THINGS[:6], COFFEE, TEA, lexicon.WATER, BOOK),
    "heavy": (lexicon.BOX, *lexicon.FURNITURE),
    "collected": (BOOK, MAP, HAT),
    "laundry": lexicon.CLOTHES[:2],
    "plants": lexicon.PLANTS,
    "water": (lexicon.WATER,),
    "house": lexicon.CLEANABLE[1:2],
    "vehicles": lexicon.VEHICLES,
    "worn": lexicon.CLOTHES[3:],
    "switches": (LIGHT, RADIO),
    "liked": (
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
    "loved": (*lexicon.ANIMALS[:2], MUSIC, BOOK),
    "hated": (*lexicon.DISHES[1:4], COFFEE, TEA, lexicon.SUBJECTS[2]),
}
"""What verbs may have as their object."""


def _verb(row: str) -> Verb:
    """One row: English / stem / kind / objects / places / manners / flags / reasons / recipient."""
    cells = [cell.strip() for cell in row.split("/")]
    english, korean, kind, objects, places, manners, flags, reasons, recipient = cells + [""] * (
        9 - len(cells)
    )
    return Verb(
        english,
        Stem(korean, KINDS[kind], adjective=korean == "있"),
        OBJECTS[objects],
        case="에게" if korean == "전화하" else "을/를",
        recipient=recipient,
        places=tuple(lexicon.PLACES[name] for name in _list(places)),
        manners=_list(manners),
        flags=flags,
        honorific=_honorific(korean),
        where="에" if korean in STATIC else "에서",
        reasons=tuple(reasons.split()),
    )


def _list(cell: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in cell.split(",") if name.strip())


def _honorific(korean: str) -> Stem | None:
    return Stem(HONORIFICS[korean], Kind.HONORIFIC) if korean in HONORIFICS else None


def _table(rows: str) -> tuple[Verb, ...]:
    return tuple(_verb(row) for row in rows.strip().splitlines())


VERBS = _table("""
eat / 먹 / / foods / restaurant, home, kitchen, cafe / quickly, slowly, alone, together / \
    rpwgod / hungry
eat / 먹 / / dishes / restaurant, home, kitchen, market / quickly, slowly, alone, together / \
    rpwgd / hungry
eat / 먹 / / meals / restaurant, home, kitchen, school, office / \
    quickly, slowly, alone, together / rpwge / hungry
drink / 마시 / / drinks / cafe, home, kitchen, office, living room, garden / \
    quickly, slowly, alone, together / rpwgde / thirsty tired
cook / 요리하 / 하다 / cooked / kitchen, home, restaurant / \
    quickly, alone, together, well / bpwgimeq / hungry
bake / 굽 / ㅂ / baked / kitchen, home / alone, together, well / bpwgim / hungry
prepare / 준비하 / 하다 / meals / kitchen, home / quickly, alone, together / bpwgime
make / 만들 / / made / home, kitchen / quickly, well, alone, together / bpwgim
buy / 사 / / wares / market, store, department store / quickly, alone, together / bpwoe
buy / 사 / / groceries / market, store / quickly, alone, together / bpwoe / hungry
buy / 사 / / books / bookstore / alone, together / bpwo / bored
sell / 팔 / / sold / market, store / / gf
read / 읽 / / readable / library, home, room, cafe, park, train station / \
    quietly, slowly, quickly, alone, together / bpwgdme / bored
write / 쓰 / / writable / home, room, cafe, library, office / quickly, slowly, carefully, alone / \
    bgome / happy sad
write / 쓰 / / mail / home, cafe, office / quickly, carefully / bgpm / / 에게
watch / 보 / / shows / theater, home, living room / quietly, alone, together / rpwgie / bored sad
watch / 보 / / games / home, living room, cafe / alone, together / rpwgi / bored
listen to / 듣 / ㄷ / audio / room, home, cafe, park / \
    quietly, alone, together / rpwge / bored sad tired
sing / 부르 / 르 / song / home, school, park, garden / \
    loudly, happily, well, together, alone / bpwgoq / happy
learn / 배우 / / studies / school, university / quickly, together / rpwg
study / 공부하 / 하다 / studies / school, library, home, cafe, university / \
    hard, quietly, alone, together / rpwgmeq
study / 공부하 / 하다 / / school, library, home, cafe, university / \
    hard, quietly, alone, together / rpwgmeq
teach / 가르치 / / studies / school, university / well / g
play / 하 / 하다 / sports / park, playground, school, gym / \
    hard, happily, well, together / rpwgue / bored happy
play / 치 / / instruments / home, school, room, living room / \
    well, quietly, happily, alone, together / bpwgiqe / bored sad happy
draw / 그리 / / drawn / school, home, classroom, park / well, quickly, alone, together / \
    bpwgome / bored
open / 열 / / openable / / quietly, slowly, carefully / bpn / hot
close / 닫 / / closable / / quietly, slowly, carefully / bpn / cold
clean / 청소하 / 하다 / rooms / / quickly, quietly, alone, together / bpwgimeq
fix / 고치 / / mendable / home, office, school / quickly, well, alone, carefully / bpwgdmn
choose / 고르 / 르 / chosen / store, department store / \
    quickly, slowly, carefully, together / bpwogn
look for / 찾 / / sought / room, home, school, library / together / bpwgdn
lose / 잃어버리 / / lost / school, park, train station, bus stop, market / / oy
borrow / 빌리 / / books / library, school / / bpoe
borrow / 빌리 / / lent / school, office / / bpon
send / 보내 / / sent / / quickly / bpodn / / 에게
give / 주 / / given / / / rpodn / / 에게
show / 보여 주 / / shown / / / rpdn / / 에게
bring / 가져오 / / brought / / / bodn
carry / 나르 / 르 / heavy / / together, carefully / bpwgn
collect / 모으 / / collected / / / gf
wash / 빨 / / laundry / home / quickly, well, alone / bpgimde
plant / 심 / / plants / garden, park, school, village / carefully, together / bpwgun
grow / 기르 / 르 / plants / garden, home / well / gf
pour / 붓 / ㅅ / water / kitchen / slowly, carefully / bdn
build / 짓 / ㅅ / house / Seoul, Busan, village / quickly, together, alone / bpwn
take / 타 / / vehicles / / / rpwe / tired busy
wear / 입 / / worn / / / rgd / cold
turn on / 켜 / / switches / / quickly / bpn
turn off / 끄 / / switches / / quickly / bpn
like / 좋아하 / 하다 / liked / / very much, really / sf
love / 사랑하 / 하다 / loved / / very much, really / sf
hate / 싫어하 / 하다 / hated / / really / sf
work / 일하 / 하다 / / office, company, hospital, restaurant, bank, store / \
    hard, together, alone, for a long time / rpwgqe
rest / 쉬 / / / home, room, park, garden, cafe / well, for a long time / rpwgqe / tired sick
sleep / 자 / / / home, room / well, for a long time, quietly / rgiqe / tired sick
lie down / 눕 / ㅂ / / room, home, garden, beach / / rn / tired sick
walk / 걷 / ㄷ / / park, beach, garden, village / \
    slowly, quickly, alone, together, for a long time / rpwgu / bored happy sad
run / 뛰 / / / park, playground, beach / hard, quickly, together / rpwgu / busy happy
swim / 수영하 / 하다 / / swimming pool, beach / well, hard, together / rpwge / hot bored
exercise / 운동하 / 하다 / / gym, park, home, playground / hard, alone, together / rpwge
dance / 춤을 추 / / / home, school, park, theater / well, happily, together / rpwgq / happy
play / 놀 / / / park, playground, home, beach, garden / happily, together, alone, quietly / \
    rpwge / bored
cry / 울 / / / home, room, theater / loudly, quietly, alone / gq / sad sick
laugh / 웃 / / / / loudly, happily, together / gq / happy
travel / 여행하 / 하다 / / Busan, Jeju, America, Japan, England / \
    alone, together, for a long time / pw / bored
take a walk / 산책하 / 하다 / / park, beach, garden, village / alone, together, slowly / \
    rpwgue / bored happy
hurry / 서두르 / 르 / / / / rpn / busy
get up / 일어나 / / / / quickly, slowly / rp
stay / 있 / / / home, room, library / quietly, alone, together / rpwi / sick tired
""")
"""Activities, and liking; ``stay`` is the one whose Korean (있다) is partly an adjective."""

ACTIVITIES = tuple(verb for verb in VERBS if "s" not in verb.flags)
LIKE = next(verb for verb in VERBS if verb.english == "like")
WORKING = next(verb for verb in VERBS if verb.english == "work")

PEOPLE_VERBS = _table("""
meet / 만나 / / / park, cafe, train station, school, restaurant / often / bpo
help / 돕 / 와 / / school, office, hospital, kitchen / often, quietly / bpgo / happy
wait for / 기다리 / / / cafe, train station, bus stop, school, park / \
    alone, quietly, for a long time / bpgo
call / 전화하 / 하다 / / / often, quickly / bpo / bored happy sad
love / 사랑하 / 하다 / / / very much, really / so
like / 좋아하 / 하다 / / / very much, really / so
know / 알 / / / / well / so
believe / 믿 / / / / really / so
remember / 기억하 / 하다 / / / well / so
invite / 초대하 / 하다 / / / often / bpo / happy bored
visit / 방문하 / 하다 / / / often / bpo / bored
look for / 찾 / / / park, train station, school, market / / gn
""")
"""Verbs whose object is a person."""

NEAR = (
    "school, home, library, hospital, park, market, store, bookstore, bank, beach, museum, "
    "theater, restaurant, cafe, swimming pool, gym, department store, train station"
)
GOING = tuple(
    _verb(f"{verb} / / {goals} / quickly, alone, together / {flags}")
    for verb, goals, flags in (
        ("go / 가 /", f"{NEAR}, Busan, Jeju", "rpwgi"),
        ("come / 오 /", f"{NEAR}, Busan, Jeju", "rw"),
        ("run / 뛰어가 /", NEAR, "w"),
        ("walk / 걸어가 /", NEAR, "pw"),
    )
)
LIVING = _verb(
    f"live / 살 / / / {', '.join(lexicon.CITIES)}, village / alone, together, happily / w"
)
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
