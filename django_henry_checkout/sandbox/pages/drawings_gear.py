"""Drawings of outdoor and audio products: SVG shapes on an 800 by 800 stage; the classes are the stage's."""

from __future__ import annotations

JACKET = """
<ellipse class="cast" cx="400" cy="672" rx="250" ry="34"/>
<path class="d" d="M262 262c-52 24-82 78-96 168l-26 168c-2 14 4 20 16 22l58 8c12 2 20-4 22-16l44-230z"/>
<path class="d" d="M538 262c52 24 82 78 96 168l26 168c2 14-4 20-16 22l-58 8c-12 2-20-4-22-16l-44-230z"/>
<path class="m" d="M290 236c34-18 70-26 110-26s76 8 110 26c42 22 56 62 58 118l8 290c0 12-8 20-20 20H244c-12 0-20-8-20-20l8-290c2-56 16-96 58-118z"/>
<path class="n" d="M316 232c-18-70 22-112 84-112s102 42 84 112c-24 24-52 36-84 36s-60-12-84-36z"/>
<path class="f" d="M300 236c-16-84 26-136 100-136s116 52 100 136c-6 10-16 12-22 2 6-54-26-88-78-88s-84 34-78 88c-6 10-16 8-22-2z"/>
<path class="lo" d="M400 268v396h156c12 0 20-8 20-20l-8-290c-2-50-14-88-48-112-32 18-72 26-120 26z"/>
<path class="o" d="M400 268v396" stroke="$dark" stroke-width="8"/>
<rect class="a" x="393" y="306" width="14" height="34" rx="7"/>
<path class="t" d="M262 470l78 44M538 470l-78 44M232 352c40 22 100 30 168 30s128-8 168-30"/>
<path class="u" d="M280 270c-22 18-28 48-30 84"/>
<path class="n" d="M152 574l62 10-6 38-58-8c-10-2-14-8-12-20zM648 574l-62 10 6 38 58-8c10-2 14-8 12-20z"/>
"""

BOOTS = """
<ellipse class="cast" cx="410" cy="650" rx="300" ry="36"/>
<g transform="translate(96 -22)"><path class="n" d="M250 246h150c10 0 16 6 16 16l4 190c40 40 108 44 150 76 22 16 28 44 26 76H244z"/><path class="k" d="M238 600h362v26c0 12-8 20-20 20H258c-12 0-20-8-20-20z"/></g>
<path class="m" d="M214 240h150c12 0 18 6 18 18l4 186c40 44 112 50 156 80 24 16 32 48 30 82H206z"/>
<path class="d" d="M386 444c40 44 112 50 156 80 24 16 32 48 30 82H410c10-60-10-110-54-140z" opacity=".75"/>
<path class="k" d="M200 600h376v28c0 12-8 20-20 20h-52l-10-12-12 12h-48l-10-12-12 12h-48l-10-12-12 12h-48l-10-12-12 12h-52c-12 0-20-8-20-20z"/>
<path class="a" d="M200 592h374v16H200z" opacity=".9"/>
<path class="n" d="M206 236c0-14 8-22 22-22h126c18 0 30 10 30 24v28H206z"/>
<path class="o" d="M300 292l76 10M306 336l74 10M314 382l72 8M330 426l66 2" stroke="$accent" stroke-width="10"/>
<g fill="#f6efe2"><circle cx="302" cy="292" r="8"/><circle cx="308" cy="336" r="8"/><circle cx="316" cy="382" r="8"/><circle cx="332" cy="427" r="8"/></g>
<path class="t" d="M222 472c54 0 96 14 126 44 22 24 26 54 22 84"/>
<path class="u" d="M232 284v150"/>
<path class="f" d="M262 214c0-26 14-38 32-38s30 12 30 38h-16c0-14-6-20-14-20s-16 6-16 20z"/>
"""

BACKPACK = """
<ellipse class="cast" cx="400" cy="666" rx="230" ry="34"/>
<path class="n" d="M216 340c-40 24-52 90-52 160 0 60 10 110 34 122l40-20zM584 340c40 24 52 90 52 160 0 60-10 110-34 122l-40-20z"/>
<path class="o" d="M350 168c0-40 20-62 50-62s50 22 50 62" stroke="$dark" stroke-width="18"/>
<path class="m" d="M250 250c0-66 62-100 150-100s150 34 150 100l28 352c2 36-20 58-56 58H278c-36 0-58-22-56-58z"/>
<path class="lo" d="M400 150c88 0 150 34 150 100l28 352c2 36-20 58-56 58H440c46-160 40-350-40-510z"/>
<path class="d" d="M244 262c0-78 66-120 156-120s156 42 156 120c0 36-66 56-156 56s-156-20-156-56z"/>
<path class="u" d="M282 232c18-32 52-46 92-48"/>
<rect class="d" x="270" y="412" width="260" height="204" rx="34"/>
<path class="t" d="M292 462h216"/>
<rect class="a" x="452" y="452" width="14" height="44" rx="7"/>
<path class="a" d="M382 300h36v104h-36z"/><rect class="k" x="372" y="338" width="56" height="40" rx="8"/>
<rect class="c" x="368" y="518" width="64" height="40" rx="6"/><path d="M380 546l14-18 10 10 8-8 10 16z" fill="$main"/>
"""

FLASK = """
<ellipse class="cast" cx="400" cy="668" rx="150" ry="28"/>
<path class="s" d="M340 150c0-16 10-26 26-26h68c16 0 26 10 26 26v92H340z"/>
<path class="lo" d="M340 176h120v10H340zM340 202h120v10H340z"/>
<path class="s" d="M330 240h140v26H330z"/>
<path class="r" d="M332 264h136c34 20 50 50 50 92v268c0 28-18 46-46 46H328c-28 0-46-18-46-46V356c0-42 16-72 50-92z"/>
<path class="s" d="M282 606h236v18c0 28-18 46-46 46H328c-28 0-46-18-46-46z"/>
<path d="M344 470l42-64 24 32 18-22 36 54z" fill="#fff" opacity=".9"/>
<path class="hi" d="M312 352c0-28 8-46 24-60h10v300h-34z"/>
<path class="o" d="M460 150c44-10 62 14 62 48s-18 58-54 54" stroke="$dark" stroke-width="14"/>
"""

LANTERN = """
<circle cx="400" cy="416" r="300" fill="#fff3c9" opacity=".5"/><circle cx="400" cy="416" r="210" fill="#fff3c9" opacity=".6"/>
<ellipse class="cast" cx="400" cy="664" rx="190" ry="30"/>
<path class="o" d="M282 300c-20-130 40-190 118-190s138 60 118 190" stroke="$dark" stroke-width="14"/>
<path class="d" d="M316 238h168c20 0 32 10 34 28l4 34H278l4-34c2-18 14-28 34-28z"/>
<path d="M286 300h228l14 230H272z" fill="#fff8df"/>
<path d="M286 300h228l14 230H272z" fill="$light" opacity=".28"/>
<ellipse cx="400" cy="430" rx="62" ry="92" fill="#ffd978" opacity=".75"/><ellipse cx="400" cy="438" rx="30" ry="54" fill="#fff6d6"/>
<path class="o" d="M330 300l-8 230M470 300l8 230" stroke="$dark" stroke-width="9"/>
<path class="m" d="M262 528h276l14 104c2 20-8 32-28 32H276c-20 0-30-12-28-32z"/>
<path class="lo" d="M420 528h118l14 104c2 20-8 32-28 32h-84z"/>
<circle class="c" cx="400" cy="598" r="24"/><path class="o" d="M400 584v14" stroke="$dark" stroke-width="6"/>
<path class="u" d="M278 566l-6 54"/>
"""

BEANIE = """
<ellipse class="cast" cx="400" cy="628" rx="240" ry="34"/>
<circle class="c" cx="400" cy="170" r="66"/><circle cx="380" cy="152" r="12" fill="#fff"/><path class="o" d="M362 196l10 14M398 210v16M432 196l-8 16M440 160l14-4M424 132l8-10" stroke="#cfc2ac" stroke-width="6"/>
<path class="m" d="M212 500c-10-180 62-280 188-280s198 100 188 280z"/>
<path class="lo" d="M400 220c126 0 198 100 188 280H470c14-120-10-214-70-280z"/>
<path class="t" d="M400 224v270M352 232c-34 60-50 150-50 262M448 232c34 60 50 150 50 262M312 258c-42 60-60 146-62 236M488 258c42 60 60 146 62 236"/>
<rect class="d" x="188" y="474" width="424" height="138" rx="42"/>
<path class="t" d="M236 488v110M284 484v120M332 484v120M380 484v120M428 484v120M476 484v120M524 484v120M566 490v106"/>
<rect class="c" x="448" y="520" width="84" height="48" rx="6"/><path d="M466 556l18-24 12 14 8-10 14 20z" fill="$main"/>
<path class="u" d="M248 420c10-60 34-104 66-132"/>
"""

HEADPHONES = """
<ellipse class="cast" cx="400" cy="680" rx="250" ry="30"/>
<path class="o" d="M196 470C176 250 276 136 400 136s224 114 204 334" stroke="$dark" stroke-width="44"/>
<path class="o" d="M204 440C196 252 286 152 400 152" stroke="$light" stroke-width="12" opacity=".8"/>
<path class="o" d="M252 246c36-56 84-80 148-80s112 24 148 80" stroke="$accent" stroke-width="22"/>
<path class="s" d="M182 404h30v90h-30zM588 404h30v90h-30z"/>
<g><rect class="n" x="226" y="428" width="66" height="220" rx="33"/><rect class="r" x="146" y="420" width="116" height="236" rx="56"/><rect class="a" x="180" y="470" width="14" height="136" rx="7" opacity=".9"/></g>
<g><rect class="n" x="508" y="428" width="66" height="220" rx="33"/><rect class="r" x="538" y="420" width="116" height="236" rx="56"/><rect class="a" x="606" y="470" width="14" height="136" rx="7" opacity=".9"/></g>
<path class="u" d="M164 490v92"/>
"""

SPEAKER = """
<ellipse class="cast" cx="400" cy="676" rx="220" ry="32"/>
<rect class="d" x="214" y="118" width="372" height="552" rx="46"/>
<rect class="m" x="206" y="110" width="372" height="552" rx="46"/>
<rect class="lo" x="236" y="140" width="312" height="492" rx="28"/>
<rect class="k" x="232" y="136" width="312" height="492" rx="28"/>
<circle cx="388" cy="256" r="66" fill="#1f2024"/><circle cx="388" cy="256" r="66" fill="none" stroke="#5d6068" stroke-width="7"/><circle class="s" cx="388" cy="256" r="26"/>
<circle cx="388" cy="468" r="124" fill="#1f2024"/><circle cx="388" cy="468" r="124" fill="none" stroke="#5d6068" stroke-width="9"/><circle cx="388" cy="468" r="88" fill="#34363c"/><circle cx="388" cy="468" r="88" fill="none" stroke="#474a52" stroke-width="5"/><circle class="a" cx="388" cy="468" r="38"/><circle class="hi" cx="376" cy="456" r="13"/>
<path class="u" d="M318 414c14-24 34-38 58-42"/>
<path class="w" d="M262 662h60l-10 30h-36zM462 662h60l-14 30h-36z"/>
"""

EARBUDS = """
<ellipse class="cast" cx="400" cy="650" rx="250" ry="34"/>
<path class="d" d="M200 432c0-14 10-20 24-20h352c14 0 24 6 24 20v120c0 64-38 96-100 96H300c-62 0-100-32-100-96z"/>
<path class="m" d="M224 330c0-78 58-126 176-126s176 48 176 126v88H224z"/>
<path class="n" d="M244 336c0-66 50-106 156-106s156 40 156 106v76H244z"/>
<rect class="n" x="214" y="404" width="372" height="34" rx="14"/>
<g id="bud"><rect class="c" x="298" y="322" width="44" height="150" rx="22"/><ellipse class="c" cx="332" cy="318" rx="56" ry="50"/><ellipse cx="366" cy="312" rx="17" ry="27" fill="#d5ccbc"/><ellipse cx="371" cy="312" rx="8" ry="15" fill="#a99f8d"/><path class="hi" d="M300 300c6-14 18-20 30-20v14c-12 0-18 6-22 14z"/></g>
<g transform="matrix(-1 0 0 1 800 0)"><rect class="c" x="298" y="322" width="44" height="150" rx="22"/><ellipse class="c" cx="332" cy="318" rx="56" ry="50"/><ellipse cx="366" cy="312" rx="17" ry="27" fill="#d5ccbc"/><ellipse cx="371" cy="312" rx="8" ry="15" fill="#a99f8d"/></g>
<path class="m" d="M200 436h400v116c0 64-38 96-100 96H300c-62 0-100-32-100-96z"/>
<path class="lo" d="M460 436h140v116c0 64-38 96-100 96h-70c30-50 38-130 30-212z"/>
<circle cx="400" cy="540" r="9" fill="#fff" opacity=".9"/>
<path class="u" d="M228 470v70c0 30 12 52 34 62"/>
"""

TURNTABLE = """
<ellipse class="cast" cx="400" cy="640" rx="320" ry="36"/>
<path class="w" d="M96 470h608v120c0 18-12 30-30 30H126c-18 0-30-12-30-30z"/>
<path class="lo" d="M96 470h608v16H96z"/><path class="o" d="M140 530h180M380 560h220M200 584h150" stroke="#a57848" stroke-width="5" opacity=".5"/>
<path d="M160 250h480l64 222H96z" fill="#f4ead9"/><path d="M160 250h480l64 222H96z" fill="$light" opacity=".2"/>
<ellipse class="k" cx="350" cy="362" rx="204" ry="92"/>
<g fill="none" stroke="#63666e" stroke-width="3" opacity=".8"><ellipse cx="350" cy="361" rx="176" ry="79"/><ellipse cx="350" cy="361" rx="148" ry="66"/><ellipse cx="350" cy="361" rx="120" ry="53"/></g>
<path d="M350 361L196 318a204 92 0 0 1 70-34zM350 361l154 46a204 92 0 0 1-74 34z" fill="#fff" opacity=".1"/>
<ellipse class="m" cx="350" cy="361" rx="68" ry="30"/><ellipse cx="350" cy="360" rx="8" ry="4" fill="#fff"/>
<circle class="s" cx="604" cy="300" r="30"/><path class="o" d="M604 300l22 98-132 14" stroke="#7d828a" stroke-width="13"/><path class="k" d="M462 402l38 2-2 26-40-4z"/>
<circle class="s" cx="146" cy="440" r="15"/><circle class="a" cx="652" cy="446" r="15"/>
<path class="k" d="M150 620h66v22h-66zM584 620h66v22h-66z"/>
"""

RADIO = """
<ellipse class="cast" cx="400" cy="640" rx="290" ry="34"/>
<path class="o" d="M552 282l70-150" stroke="#a3a8ad" stroke-width="10"/><circle class="s" cx="624" cy="128" r="13"/>
<path class="o" d="M270 282c0-62 40-84 130-84s130 22 130 84" stroke="$dark" stroke-width="20"/>
<rect class="d" x="128" y="276" width="552" height="350" rx="54"/>
<rect class="m" x="120" y="268" width="552" height="350" rx="54"/>
<rect class="c" x="158" y="306" width="300" height="274" rx="26"/>
<g fill="$dark" opacity=".55"><path d="M196 344h224v12H196zM196 380h224v12H196zM196 416h224v12H196zM196 452h224v12H196zM196 488h224v12H196zM196 524h224v12H196z"/></g>
<rect class="c" x="490" y="306" width="146" height="92" rx="16"/><path class="o" d="M510 368v-12M534 368v-22M558 368v-12M582 368v-22M606 368v-12" stroke="$dark" stroke-width="5"/><path class="o" d="M570 320v60" stroke="#c8452f" stroke-width="6"/>
<circle class="w" cx="530" cy="482" r="40"/><circle class="w" cx="604" cy="482" r="26"/><path class="o" d="M530 482v-28M604 482v-16" stroke="#7b5731" stroke-width="6"/>
<path class="u" d="M146 340v-10c0-20 12-34 32-34"/><path class="k" d="M190 618h56v18h-56zM546 618h56v18h-56z"/>
"""

DRAWINGS = {
    "jacket": JACKET,
    "boots": BOOTS,
    "backpack": BACKPACK,
    "flask": FLASK,
    "lantern": LANTERN,
    "beanie": BEANIE,
    "headphones": HEADPHONES,
    "speaker": SPEAKER,
    "earbuds": EARBUDS,
    "turntable": TURNTABLE,
    "radio": RADIO,
}
