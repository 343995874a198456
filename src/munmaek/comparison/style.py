"""The look of a report: a quiet page, one accent, one scale for weights, light and dark.

The weight scale runs from the paper to a deep accent in equal steps of OKLab (Ottosson 2020), so
that equal differences of weight look equally large.
"""

__all__ = ["STEPS", "scale", "step_of", "stylesheet"]

STEPS = 21
"""Colours of the weight scale: one for each twentieth."""

_LIGHT = {
    "paper": "#fbf9f4",
    "card": "#f5f2ea",
    "ink": "#25231f",
    "muted": "#6b665c",
    "faint": "#b9b3a5",
    "rule": "#e3ded2",
    "accent": "#b0381f",
    "band": "#b0381f26",
    "deep": "#7d1f0c",
}
_DARK = {
    "paper": "#181714",
    "card": "#211f1b",
    "ink": "#ebe7dd",
    "muted": "#a59f92",
    "faint": "#5d584e",
    "rule": "#37342d",
    "accent": "#f28563",
    "band": "#f2856330",
    "deep": "#ffb59a",
}

Lab = tuple[float, float, float]


def _lab(colour: str) -> Lab:
    """OKLab of ``#rrggbb``."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in channels
    )
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def _hex(lab: Lab) -> str:
    """``#rrggbb`` of an OKLab colour, clipped to what a screen can show."""
    light, a, b = lab
    long = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (light - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    return "#" + "".join(f"{round(255 * _encode(value)):02x}" for value in linear)


def _encode(value: float) -> float:
    value = min(max(value, 0.0), 1.0)
    return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055


def scale(first: str, last: str, *, steps: int = STEPS) -> list[str]:
    """Colours from ``first`` to ``last`` (``#rrggbb``) in equal steps of OKLab."""
    start, end = _lab(first), _lab(last)
    colours: list[str] = []
    for step in range(steps):
        share = step / (steps - 1)
        light, a, b = (x + share * (y - x) for x, y in zip(start, end, strict=True))
        colours.append(_hex((light, a, b)))
    return colours


def step_of(weight: float) -> int:
    """The step of the scale for a weight within 0 and 1; those outside take its ends."""
    return round(min(max(weight, 0.0), 1.0) * (STEPS - 1))


def _variables(palette: dict[str, str]) -> str:
    named = [f"--{name}:{colour}" for name, colour in palette.items() if name != "deep"]
    ramp = scale(palette["card"], palette["deep"])
    return ";".join([*named, *(f"--w{step}:{colour}" for step, colour in enumerate(ramp))])


def stylesheet() -> str:
    """The whole style, for a ``style`` element; ``data-theme`` on the root overrides the system."""
    light, dark = _variables(_LIGHT), _variables(_DARK)
    steps = "".join(f".w{step}{{fill:var(--w{step})}}" for step in range(STEPS))
    return (
        f":root{{color-scheme:light;{light}}}"
        f"@media(prefers-color-scheme:dark)"
        f"{{:root:not([data-theme=light]){{color-scheme:dark;{dark}}}}}"
        f":root[data-theme=dark]{{color-scheme:dark;{dark}}}"
        f"@media print{{:root{{color-scheme:light;{light}}}}}"
        f"{steps}{_RULES}"
    )


_RULES = """
*{box-sizing:border-box}
html{background:var(--paper);-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:1120px;padding:56px 40px 96px;background:var(--paper);color:var(--ink);
font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Apple SD Gothic Neo",
"Malgun Gothic","Noto Sans CJK KR","Noto Sans KR",NanumGothic,sans-serif;
font-variant-numeric:tabular-nums;overflow-wrap:break-word}
:lang(ko){word-break:keep-all}
h1{font-size:30px;line-height:1.2;font-weight:650;letter-spacing:-.015em;margin:0 0 12px}
h2{font-size:20px;line-height:1.3;font-weight:650;letter-spacing:-.01em;margin:0 0 18px}
h3{font-size:14px;font-weight:600;margin:0 0 6px}
p{margin:0 0 10px}
header{margin-bottom:44px}
.idea{font-size:17px;max-width:46em;margin-bottom:18px}
.about{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:0;font-size:13px;
color:var(--muted)}
.about dt{color:var(--muted)}.about dd{margin:0;color:var(--ink)}
code{font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,D2Coding,
NanumGothicCoding,monospace}
section{margin:0 0 60px;padding-top:22px;border-top:1px solid var(--rule)}
figure{margin:0 0 28px}
figcaption{max-width:46em;margin-top:12px;font-size:15px}
.scroll{overflow-x:auto}
.muted,.ci,.hint{color:var(--muted)}
.hint{font-size:13px}header .hint{margin-top:14px}
svg{display:block;max-width:100%;height:auto;overflow:visible}
svg text{font-size:12px;fill:var(--ink)}
svg .tick{font-size:11px;fill:var(--muted)}
svg .axis{font-size:11.5px;fill:var(--muted)}
svg .strong{font-weight:600}
svg .value{paint-order:stroke;stroke:var(--paper);stroke-width:3px;stroke-linejoin:round}
svg .hot{fill:var(--accent)}
svg .grid{stroke:var(--rule);stroke-width:1}
svg .line{fill:none;stroke:var(--muted);stroke-width:1.6;stroke-linejoin:round;stroke-linecap:round}
svg .ghost{fill:none;stroke:var(--faint);stroke-width:1.1;stroke-linejoin:round}
svg .line.hot{fill:none;stroke:var(--accent);stroke-width:2.2}
svg .dot{fill:var(--muted)}
svg .dot.hot{fill:var(--accent)}
svg .band{fill:var(--band)}
svg .bar{fill:var(--faint)}
svg .bar.hot{fill:var(--accent)}
svg .bar.hollow{fill:none;stroke:var(--faint);stroke-width:1.2;stroke-dasharray:3 2}
svg .whisker{stroke:var(--ink);stroke-width:1.4;vector-effect:non-scaling-stroke}
svg .gold{fill:none;stroke:var(--ink);stroke-width:1.8}
svg .leader{stroke:var(--faint);stroke-width:.8;fill:none}
svg .picture{fill:none;stroke:var(--muted);stroke-width:1.1}
svg .token{fill:var(--ink)}
svg .open{fill:var(--paper);stroke:var(--faint);stroke-width:1.2}
svg .goal{fill:var(--paper);stroke:var(--accent);stroke-width:2}
svg .vector{fill:var(--accent)}
.lineage{display:grid;grid-template-columns:repeat(auto-fit,minmax(124px,1fr));gap:26px 18px;
margin:0;padding:0;list-style:none}
.lineage>li{display:grid;grid-row:span 4;grid-template-rows:subgrid;row-gap:0}
.lineage svg{margin-bottom:10px}
.lineage h3{margin-bottom:2px}
.lineage p{font-size:13px;line-height:1.4;color:var(--muted);margin:0 0 8px}
.lineage ul{list-style:none;margin:0;padding:0;font-size:12.5px;line-height:1.5}
.lineage li li{display:flex;flex-wrap:wrap;justify-content:space-between;column-gap:8px;
border-top:1px solid var(--rule);padding:2px 0}
.lineage li li span+span{white-space:nowrap;color:var(--muted);margin-left:auto}
.lineage .absent{opacity:.5}
.multiples figure{flex:0 1 505px;min-width:0}
.multiples{display:flex;flex-wrap:wrap;gap:22px 30px;align-items:flex-start}
table{border-collapse:collapse;font-size:14px}
th{font-weight:500;color:var(--muted);font-size:12.5px;text-align:left;vertical-align:bottom}
th,td{padding:5px 18px 5px 0;white-space:nowrap}
th:last-child,td:last-child{padding-right:0}
td.num,th.num{text-align:right}
td.ci{font-size:12.5px;padding-left:0}
td.wrap{white-space:normal}
.bars td{padding-top:3px;padding-bottom:3px}
.bars svg{width:clamp(90px,36vw,420px);height:18px;max-width:none}
.everything{width:100%;font-size:13px}
.everything th,.everything td{padding-right:12px}
.everything th{white-space:normal;line-height:1.3;min-width:52px}
.everything tbody tr{border-top:1px solid var(--rule)}
.everything tbody tr.group{border-top:0}
.everything tr.group th{padding-top:24px}
.everything tr.group:first-child th{padding-top:0}
.everything th.group{color:var(--ink);font-weight:600;font-size:14px}
.lined{font-size:13.5px}
.lined th{white-space:normal;line-height:1.3;max-width:110px}
.lined tbody tr{border-top:1px solid var(--rule)}
.lined+.hint,.scroll+.hint{margin:10px 0 0}
.lined .muted td{color:var(--muted)}
.warn{font-weight:600;text-decoration:underline 2px var(--accent);text-underline-offset:3px}
.mark{color:var(--accent);cursor:help}
.lessons{max-width:54em;margin:0;padding:0;list-style:none}
.lessons li{padding:7px 0 7px 26px;text-indent:-26px;border-top:1px solid var(--rule)}
.lessons li:first-child{border-top:0}
.lessons li::before{display:inline-block;width:26px;text-indent:0;content:"\u2713";
color:var(--muted)}
.lessons .failed::before{content:"\u2717";color:var(--accent);font-weight:600}
.faults{margin-top:22px;font-size:13.5px}.faults ul{margin:0;padding-left:18px}
.best{color:var(--accent);font-weight:600}
[title]{text-decoration:none}
td[title],span[title]{cursor:help}
.fills{display:grid;grid-template-columns:repeat(auto-fill,minmax(300px,1fr));gap:24px 36px}
.fills p{font-size:15px;margin-bottom:8px}
.gap{border-bottom:2px solid var(--accent);padding:0 1.4em;margin:0 .15em}
.fills table{font-size:13.5px}.fills td{padding:2px 12px 2px 0}
.examples{display:grid;gap:22px}
.examples dl{display:grid;grid-template-columns:minmax(90px,max-content) 1fr;gap:2px 18px;margin:0}
.examples dt{color:var(--muted);font-size:13px;padding-top:2px}.examples dd{margin:0}
.prompt{color:var(--muted)}
details{font-size:13px}summary{cursor:pointer;color:var(--muted)}
details table{font-size:12.5px;margin-top:10px}details td{white-space:normal;vertical-align:top}
details code{font-size:11.5px;overflow-wrap:anywhere}
@media(max-width:640px){body{padding:32px 18px 64px}h1{font-size:25px}
.bars .ci{display:none}th,td{padding-right:10px}.bars td:first-child{white-space:normal}
.about{grid-template-columns:1fr;gap:0}.about dd{margin-bottom:6px}}
@media print{body{padding:0;max-width:none}section{break-inside:avoid-page}}
"""
