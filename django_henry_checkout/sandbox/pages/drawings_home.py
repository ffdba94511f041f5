"""Drawings of ceramics, coffee, paper and toys: SVG shapes on an 800 by 800 stage; the classes are the stage's."""

from __future__ import annotations

MUG = """
<ellipse class="cast" cx="400" cy="648" rx="230" ry="34"/>
<path class="o" d="M548 350c92-18 128 30 122 92-6 66-62 98-140 92" stroke="$main" stroke-width="40"/>
<path class="o" d="M552 340c84-14 116 24 114 76" stroke="$light" stroke-width="8" opacity=".7"/>
<path class="c" d="M200 262h360v270c0 76-44 116-120 116H320c-76 0-120-40-120-116z"/>
<path class="r" d="M200 262h360v190c-30 26-66 8-100 24-40 18-66 26-108 8-46-20-84 22-152-8z"/>
<path class="lo" d="M470 262h90v270c0 76-44 116-120 116h-30c50-90 66-220 60-386z"/>
<ellipse class="l" cx="380" cy="262" rx="180" ry="44"/><ellipse class="n" cx="380" cy="266" rx="158" ry="34"/><ellipse cx="380" cy="274" rx="142" ry="25" fill="#4b2e1f"/>
<path class="u" d="M234 340v170"/>
<path class="o" d="M330 176c-20-24 20-40 0-66M400 176c-20-24 20-40 0-66" stroke="#fff" stroke-width="12" opacity=".75"/>
"""

TEAPOT = """
<ellipse class="cast" cx="396" cy="640" rx="270" ry="34"/>
<path class="o" d="M214 330c-92-10-118 52-106 114 12 66 70 96 134 84" stroke="$dark" stroke-width="30"/>
<path class="d" d="M560 500c60-10 70-90 92-154 4-12 14-18 26-18h28c12 0 16 8 10 20-44 86-50 190-160 244z"/>
<path class="m" d="M398 270c132 0 204 90 204 196 0 110-84 172-204 172s-204-62-204-172c0-106 72-196 204-196z"/>
<path class="lo" d="M398 270c132 0 204 90 204 196 0 110-84 172-204 172 90-90 100-250 0-368z"/>
<path class="n" d="M292 296c20-32 58-44 106-44s86 12 106 44c-28 16-64 22-106 22s-78-6-106-22z"/>
<path class="f" d="M302 286c18-40 50-58 96-58s78 18 96 58c-26 12-58 18-96 18s-70-6-96-18z"/>
<circle class="w" cx="398" cy="204" r="30"/>
<path class="c" d="M200 512c58 22 120-8 198 6s136 18 198-6c-20 82-98 126-198 126s-178-44-198-126z" opacity=".88"/>
<path class="u" d="M244 420c8-44 30-76 62-94"/>
"""

BOWLS = """
<ellipse class="cast" cx="400" cy="650" rx="270" ry="36"/>
<path class="m" d="M140 440h520c-4 120-84 206-196 208H336c-112-2-192-88-196-208z"/>
<path class="lo" d="M500 440h160c-4 120-84 206-196 208h-60c60-50 96-120 96-208z"/>
<ellipse class="l" cx="400" cy="440" rx="260" ry="58"/><ellipse class="n" cx="400" cy="444" rx="238" ry="46"/>
<path d="M196 388h408c-6 66-70 96-204 96s-198-30-204-96z" fill="#5f9489"/><path class="lo" d="M470 388h134c-6 60-58 90-166 95 24-28 34-60 32-95z"/>
<ellipse cx="400" cy="386" rx="204" ry="46" fill="#86b5ab"/><ellipse cx="400" cy="390" rx="184" ry="36" fill="#3f6f66"/>
<path class="c" d="M250 334h300c-6 56-56 78-150 78s-144-22-150-78z"/><path class="lo" d="M452 334h98c-6 50-46 73-122 77 20-24 28-50 24-77z"/>
<ellipse cx="400" cy="334" rx="150" ry="36" fill="#fffdf8"/><ellipse cx="400" cy="338" rx="133" ry="27" fill="#d9cdb8"/>
<path class="u" d="M176 500c12 50 44 88 84 106"/>
"""

VASE = """
<ellipse class="cast" cx="400" cy="672" rx="170" ry="28"/>
<path class="o" d="M404 300C400 220 372 150 330 92M402 300c4-90 34-150 92-196M402 290c-4-80-4-130 6-214" stroke="#7d8a63" stroke-width="8"/>
<g fill="#94a277"><ellipse cx="322" cy="96" rx="20" ry="42" transform="rotate(-36 322 96)"/><ellipse cx="350" cy="176" rx="17" ry="38" transform="rotate(-64 350 176)"/><ellipse cx="500" cy="106" rx="20" ry="42" transform="rotate(48 500 106)"/><ellipse cx="470" cy="188" rx="17" ry="38" transform="rotate(66 470 188)"/></g>
<g fill="#7d8a63"><ellipse cx="410" cy="80" rx="19" ry="44" transform="rotate(8 410 80)"/><ellipse cx="376" cy="122" rx="16" ry="36" transform="rotate(-14 376 122)"/><ellipse cx="434" cy="150" rx="16" ry="36" transform="rotate(30 434 150)"/></g>
<path class="r" d="M352 270h96c0 70 16 96 62 138 34 32 50 72 50 118 0 84-60 146-160 146s-160-62-160-146c0-46 16-86 50-118 46-42 62-68 62-138z"/>
<ellipse class="l" cx="400" cy="270" rx="48" ry="13"/><ellipse class="n" cx="400" cy="272" rx="38" ry="9"/>
<path class="c" d="M242 500c60 26 96-14 158 0s104 22 158-2c2 10 2 18 2 28 0 84-60 146-160 146s-160-62-160-146c0-10 0-18 2-26z" opacity=".82"/>
<path class="lo" d="M400 672c100 0 160-62 160-146 0-46-16-86-50-118-20-18-34-34-44-52 24 110 20 230-66 316z"/>
<path class="u" d="M286 460c8-18 20-32 36-46"/>
"""

PLATE = """
<ellipse cx="416" cy="424" rx="290" ry="290" fill="$dark" opacity=".16"/><ellipse cx="408" cy="414" rx="284" ry="284" fill="$dark" opacity=".14"/>
<circle class="m" cx="400" cy="400" r="280"/><circle cx="400" cy="400" r="262" fill="$wall" opacity=".82"/>
<circle class="m" cx="400" cy="400" r="184" opacity=".5"/><circle cx="400" cy="400" r="176" fill="$wall"/><circle cx="400" cy="400" r="176" fill="$light" opacity=".22"/>
<path d="M260 292a176 176 0 0 1 200-58" class="u"/><path d="M182 300a240 240 0 0 1 112-116" class="u"/>
<g fill="$dark" opacity=".32"><circle cx="330" cy="340" r="4"/><circle cx="452" cy="318" r="5"/><circle cx="500" cy="420" r="4"/><circle cx="370" cy="480" r="5"/><circle cx="300" cy="430" r="3"/><circle cx="436" cy="520" r="4"/><circle cx="410" cy="400" r="3"/><circle cx="212" cy="440" r="4"/><circle cx="596" cy="332" r="4"/><circle cx="560" cy="540" r="5"/><circle cx="250" cy="560" r="4"/><circle cx="480" cy="176" r="4"/><circle cx="352" cy="622" r="4"/></g>
"""

COFFEE = """
<ellipse class="cast" cx="400" cy="672" rx="210" ry="32"/>
<path class="d" d="M246 196h308l30 436c2 26-12 42-38 42H254c-26 0-40-16-38-42z"/>
<path class="m" d="M246 196h308l22 440c0 22-12 36-34 36H258c-22 0-34-14-34-36z"/>
<path class="lo" d="M470 196h84l22 440c0 22-12 36-34 36h-50c20-150 12-320-22-476z"/>
<path class="n" d="M250 130h300c8 0 12 4 12 12l-6 60H244l-6-60c0-8 4-12 12-12z"/><path class="lo" d="M242 176h316v10H242z"/>
<rect class="s" x="264" y="148" width="272" height="12" rx="6"/>
<rect class="c" x="288" y="306" width="224" height="262" rx="14"/>
<circle cx="400" cy="398" r="56" class="a"/><path d="M288 476c40-44 72-20 112-40s70-24 112 14v118H288z" fill="$main"/><path d="M288 520c50-34 84-8 124-24s64-12 100 6v66H288z" fill="$dark"/>
<path class="o" d="M338 338h124" stroke="$dark" stroke-width="10" opacity=".8"/>
<g transform="rotate(24 628 640)"><ellipse cx="628" cy="640" rx="26" ry="36" fill="#5a3822"/><path class="o" d="M628 608c12 22-12 40 0 64" stroke="#2f1b0f" stroke-width="5"/></g><g transform="rotate(-40 178 652)"><ellipse cx="178" cy="652" rx="22" ry="31" fill="#6b4429"/><path class="o" d="M178 624c10 20-10 36 0 56" stroke="#2f1b0f" stroke-width="5"/></g>
<path class="u" d="M258 250l-8 150"/>
"""

KETTLE = """
<ellipse class="cast" cx="400" cy="660" rx="260" ry="34"/>
<path class="o" d="M262 560c-90 0-90-60-96-130-6-90-30-170-78-176" stroke="$dark" stroke-width="26"/><path class="o" d="M112 262c30 20 44 84 50 160" stroke="$light" stroke-width="6" opacity=".6"/>
<path class="o" d="M512 318c84-44 156-22 166 58 6 56-14 96-34 128-14 22-36 30-64 26" stroke="$dark" stroke-width="16"/><path class="o" d="M674 372c8 44-10 84-28 114" stroke="#c89563" stroke-width="34"/>
<path class="r" d="M296 300h208c50 80 84 180 92 290 2 40-22 66-62 66H266c-40 0-64-26-62-66 8-110 42-210 92-290z"/>
<path class="n" d="M284 312c0-20 12-30 32-30h168c20 0 32 10 32 30z"/>
<path class="f" d="M304 284c10-34 46-50 96-50s86 16 96 50z"/><rect class="w" x="372" y="186" width="56" height="50" rx="16"/>
<path class="lo" d="M206 600h388c0 36-24 56-60 56H266c-36 0-60-20-60-56z"/>
<path class="hi" d="M286 372c-26 60-42 124-46 196h28c4-76 20-140 44-196z"/>
"""

DRIPPER = """
<ellipse class="cast" cx="400" cy="668" rx="210" ry="30"/>
<path d="M272 470h256l34 162c4 24-8 38-32 38H270c-24 0-36-14-32-38z" fill="#fff" opacity=".55"/><path d="M254 560h292l16 72c4 24-8 38-32 38H270c-24 0-36-14-32-38z" fill="#5b3520" opacity=".92"/>
<path class="o" d="M274 476l-34 156c-4 22 6 36 30 36h260c24 0 34-14 30-36l-34-156" stroke="#fff" stroke-width="8" opacity=".85"/>
<path class="hi" d="M296 500h22l-26 140h-22z"/>
<path class="o" d="M572 300c70-14 92 24 88 62-4 40-42 58-102 50" stroke="$dark" stroke-width="26"/>
<rect class="d" x="232" y="450" width="336" height="34" rx="17"/>
<path class="m" d="M196 216h408L486 452H314z"/><path class="lo" d="M500 216h104L486 452h-66z"/>
<path class="t" d="M270 236l70 200M336 236l36 200M464 236l-36 200M530 236l-70 200M400 236v200"/>
<path d="M212 214l36-52h304l36 52z" fill="#fbf6ea"/><path d="M248 162h304l-18 52H266z" fill="#e6dac3"/>
<rect class="l" x="184" y="200" width="432" height="30" rx="15"/>
"""

GRINDER = """
<ellipse class="cast" cx="396" cy="676" rx="150" ry="28"/>
<path class="o" d="M398 160h150" stroke="#8d9298" stroke-width="20"/><path class="o" d="M398 152h148" stroke="#e3e6e8" stroke-width="6"/><path class="w" d="M524 92c0-14 12-24 28-24s28 10 28 24l-8 62c-2 10-8 14-20 14s-18-4-20-14z"/>
<path class="s" d="M382 150h32v60h-32z"/>
<path class="n" d="M310 206h176c12 0 20 8 20 20v24H290v-24c0-12 8-20 20-20z"/>
<rect class="s" x="292" y="248" width="212" height="212" rx="8"/><path class="lo" d="M292 300h212v8H292zM292 320h212v8H292zM292 340h212v8H292zM292 360h212v8H292zM292 380h212v8H292z"/>
<rect class="n" x="284" y="456" width="228" height="30" rx="10"/>
<path class="r" d="M296 484h204l10 160c2 20-10 32-30 32H316c-20 0-32-12-30-32z"/>
<rect class="c" x="352" y="548" width="92" height="56" rx="8"/><path class="o" d="M372 576h52" stroke="$dark" stroke-width="6"/>
<path class="u" d="M322 520l-4 110"/>
"""

NOTEBOOK = """
<g transform="rotate(-7 400 400)"><path d="M230 146h362c18 0 30 12 30 30v470c0 18-12 30-30 30H230z" fill="$dark" opacity=".22" transform="translate(18 22)"/>
<path d="M226 152h372c14 0 22 8 22 22v464c0 14-8 22-22 22H226z" fill="#f8f3e7"/><path d="M610 170v480M602 166v488" stroke="#d8ceb8" stroke-width="3"/>
<path class="m" d="M216 136h356c18 0 30 12 30 30v470c0 18-12 30-30 30H216c-18 0-30-12-30-30V166c0-18 12-30 30-30z"/>
<path class="d" d="M216 136h34v530h-34c-18 0-30-12-30-30V166c0-18 12-30 30-30z"/>
<path class="o" d="M544 136v530" stroke="$accent" stroke-width="16"/>
<rect class="c" x="306" y="248" width="178" height="96" rx="8"/><path class="o" d="M334 284h122M334 310h76" stroke="$dark" stroke-width="7" opacity=".7"/>
<path class="u" d="M276 166h160"/><path d="M420 666h26v62l-13-14-13 14z" class="a"/></g>
"""

PLANNER = """
<g transform="rotate(5 400 400)"><rect x="206" y="150" width="430" height="540" rx="22" fill="$dark" opacity=".2"/>
<rect x="196" y="134" width="424" height="534" rx="16" fill="#f8f3e7"/><path d="M612 150v502" stroke="#d8ceb8" stroke-width="5"/>
<rect class="m" x="180" y="122" width="424" height="540" rx="22"/><path class="lo" d="M440 122h142c12 0 22 10 22 22v496c0 12-10 22-22 22H470c40-180 30-380-30-540z"/>
<g stroke="#fff" stroke-width="2" opacity=".12"><path d="M180 190h424M180 258h424M180 326h424M180 394h424M180 462h424M180 530h424M180 598h424M248 122v540M316 122v540M384 122v540M452 122v540M520 122v540"/></g>
<rect class="c" x="262" y="220" width="260" height="270" rx="14"/><path class="a" d="M262 234c0-8 6-14 14-14h232c8 0 14 6 14 14v46H262z"/>
<g fill="$dark" opacity=".72"><circle cx="304" cy="326" r="11"/><circle cx="352" cy="326" r="11"/><circle cx="400" cy="326" r="11"/><circle cx="448" cy="326" r="11"/><circle cx="304" cy="382" r="11"/><circle cx="352" cy="382" r="11"/><circle cx="448" cy="382" r="11"/><circle cx="304" cy="438" r="11"/><circle cx="352" cy="438" r="11"/><circle cx="400" cy="438" r="11"/></g><circle class="a" cx="400" cy="382" r="17"/>
<path class="a" d="M330 662h28v70l-14-14-14 14z"/></g>
"""

PEN = """
<g transform="rotate(42 400 400)"><rect x="376" y="120" width="68" height="600" rx="30" fill="$dark" opacity=".18" transform="translate(26 10)"/>
<path class="s" d="M382 660h36l-12 70c-1 6-11 6-12 0z"/>
<path class="r" d="M366 330h68v270l-16 66h-36l-16-66z"/><path class="lo" d="M368 592h64l-3 14h-58zM372 616h56l-3 14h-50z"/>
<rect class="r" x="362" y="70" width="76" height="270" rx="22"/><path class="n" d="M362 322h76v20h-76z" opacity=".7"/>
<path class="s" d="M424 96h22c8 0 12 4 12 12v160c0 14-20 14-20 0V122h-14z"/>
<rect fill="#fff" opacity=".55" x="378" y="88" width="9" height="220" rx="4"/><rect fill="#fff" opacity=".4" x="381" y="360" width="8" height="220" rx="4"/></g>
<path class="o" d="M120 660c50-44 70 30 118-10s60-16 84-2" stroke="$dark" stroke-width="7" opacity=".65"/>
"""

PENCILS = """
<g transform="rotate(-14 400 400)">
<rect x="160" y="210" width="500" height="430" rx="20" fill="$dark" opacity=".16" transform="translate(16 20)"/>
<g id="p"><path d="M176 250l34-92 34 92z" fill="#eccfa4"/><path d="M199 188l11-30 11 30z" fill="#3b3735"/><path d="M176 250h68v390h-68z" fill="$main"/><path d="M176 250h23v390h-23z" fill="$light"/><path d="M221 250h23v390h-23z" fill="$dark"/></g>
<g transform="translate(78 26)"><path d="M176 250l34-92 34 92z" fill="#eccfa4"/><path d="M199 188l11-30 11 30z" fill="#3b3735"/><path d="M176 250h68v364h-68z" fill="#cbaa7b"/><path d="M176 250h23v364h-23z" fill="#e0c59d"/><path d="M221 250h23v364h-23z" fill="#a2825a"/></g>
<g transform="translate(156 -8)"><path d="M176 250l34-92 34 92z" fill="#eccfa4"/><path d="M199 188l11-30 11 30z" fill="#3b3735"/><path d="M176 250h68v398h-68z" fill="$accent"/><path d="M176 250h23v398h-23z" fill="#fff" opacity=".22"/><path d="M176 250h68v398h-68z" fill="$accent" opacity=".5"/><path class="lo" d="M221 250h23v398h-23z"/></g>
<g transform="translate(234 14)"><path d="M176 250l34-92 34 92z" fill="#eccfa4"/><path d="M199 188l11-30 11 30z" fill="#3b3735"/><path d="M176 250h68v376h-68z" fill="#5f9489"/><path d="M176 250h23v376h-23z" fill="#86b5ab"/><path d="M221 250h23v376h-23z" fill="#3f6f66"/></g>
<g transform="translate(312 -18)"><path d="M176 250l34-92 34 92z" fill="#eccfa4"/><path d="M199 188l11-30 11 30z" fill="#3b3735"/><path d="M176 250h68v408h-68z" fill="#dba652"/><path d="M176 250h23v408h-23z" fill="#edc583"/><path d="M221 250h23v408h-23z" fill="#b17f30"/></g>
<g transform="translate(390 8)"><path d="M176 250l34-92 34 92z" fill="#eccfa4"/><path d="M199 188l11-30 11 30z" fill="#3b3735"/><path d="M176 250h68v382h-68z" fill="#4b4e57"/><path d="M176 250h23v382h-23z" fill="#686c77"/><path d="M221 250h23v382h-23z" fill="#303239"/></g>
<path d="M164 450h480v74H164z" fill="#f8f3e7"/><path class="lo" d="M164 514h480v10H164z"/><path class="o" d="M340 487h128" stroke="$dark" stroke-width="8" opacity=".7"/></g>
"""

LETTERS = """
<g transform="rotate(8 420 380)"><rect x="230" y="150" width="330" height="430" rx="10" fill="$dark" opacity=".16" transform="translate(14 18)"/><rect class="c" x="230" y="150" width="330" height="430" rx="10"/><path class="o" d="M276 214h150M276 262h238M276 300h238M276 338h238" stroke="$main" stroke-width="7" opacity=".45"/></g>
<g transform="rotate(-6 400 520)"><rect x="140" y="360" width="500" height="310" rx="16" fill="$dark" opacity=".24" transform="translate(12 18)"/>
<rect class="m" x="140" y="350" width="500" height="310" rx="16"/><path class="f" d="M142 654l190-164h116l190 164c-2 4-6 6-14 6H156c-8 0-12-2-14-6z"/><path class="lo" d="M142 654l190-164h10L166 660h-10c-8 0-12-2-14-6z"/>
<path class="d" d="M142 358c2-6 8-8 14-8h468c6 0 12 2 14 8L420 546c-18 14-42 14-60 0z"/><path class="u" d="M166 366l202 170"/>
<circle cx="390" cy="532" r="42" fill="#b5483a"/><circle cx="390" cy="532" r="30" fill="none" stroke="#8e3226" stroke-width="5"/><path class="o" d="M378 520v24M402 520v24M378 532h24" stroke="#f4d9d3" stroke-width="6"/></g>
"""

TRAIN = """
<ellipse class="cast" cx="400" cy="650" rx="340" ry="32"/>
<rect class="w" x="60" y="640" width="680" height="20" rx="10"/>
<path class="o" d="M300 590h60M524 590h40" stroke="#8a643c" stroke-width="14"/>
<rect class="n" x="108" y="150" width="66" height="0"/>
<path class="d" d="M82 360h230v30H82z"/><path class="m" d="M102 386h96v180h-96z"/><path d="M122 412h56v76h-56z" fill="#fdf6e6"/>
<rect class="m" x="96" y="470" width="226" height="124" rx="14"/><rect class="w" x="196" y="420" width="126" height="120" rx="40"/><path class="lo" d="M196 500h126v40H196z" opacity=".6"/>
<path class="k" d="M258 330h44l12 -34h-68zM262 330h36v94h-36z"/>
<g fill="#fff" opacity=".85"><circle cx="296" cy="240" r="30"/><circle cx="348" cy="192" r="40"/><circle cx="424" cy="150" r="28"/></g>
<circle cx="330" cy="478" r="13" fill="#f3c565"/>
<path d="M362 472h164l-12 120H374z" fill="$accent"/><path class="lo" d="M470 472h56l-12 120h-60z"/><g fill="#e2b15c"><circle cx="400" cy="462" r="24"/><circle cx="446" cy="450" r="30"/><circle cx="492" cy="462" r="22"/></g><path d="M356 466h176v22H356z" fill="$accent"/>
<rect x="566" y="440" width="156" height="152" rx="16" fill="#5f9489"/><path class="lo" d="M668 440h38c10 0 16 6 16 16v120c0 10-6 16-16 16h-52z"/><g fill="#fdf6e6"><rect x="588" y="470" width="48" height="52" rx="10"/><rect x="652" y="470" width="48" height="52" rx="10"/></g><path d="M554 416h180c8 0 12 6 12 14v18H542v-18c0-8 4-14 12-14z" fill="#3f6f66"/>
<g fill="#d9ab76" stroke="#8a643c" stroke-width="9"><circle cx="146" cy="600" r="38"/><circle cx="270" cy="600" r="38"/><circle cx="404" cy="606" r="32"/><circle cx="488" cy="606" r="32"/><circle cx="606" cy="606" r="32"/><circle cx="686" cy="606" r="32"/></g><g fill="#8a643c"><circle cx="146" cy="600" r="9"/><circle cx="270" cy="600" r="9"/><circle cx="404" cy="606" r="8"/><circle cx="488" cy="606" r="8"/><circle cx="606" cy="606" r="8"/><circle cx="686" cy="606" r="8"/></g>
"""

RAINBOW = """
<ellipse class="cast" cx="400" cy="632" rx="330" ry="34"/>
<g fill="none" stroke-width="46"><path d="M113 620V587a287 287 0 0 1 574 0v33" stroke="#c26f66"/><path d="M163 620V587a237 237 0 0 1 474 0v33" stroke="#dd9a5b"/><path d="M213 620V587a187 187 0 0 1 374 0v33" stroke="#e7c26d"/><path d="M263 620V587a137 137 0 0 1 274 0v33" stroke="#82ab87"/><path d="M313 620V587a87 87 0 0 1 174 0v33" stroke="#5d8fa3"/></g>
<path d="M362 620v-33a38 38 0 0 1 76 0v33z" fill="#7a5581"/>
<g fill="none" stroke="#fff" stroke-width="6" stroke-linecap="round" opacity=".4"><path d="M104 560a300 300 0 0 1 90-184M154 562a252 252 0 0 1 76-150M204 564a200 200 0 0 1 60-116M254 568a150 150 0 0 1 44-84"/></g>
<path class="lo" d="M400 277a310 310 0 0 1 310 310v33H400z" opacity=".5"/>
"""

SAILBOAT = """
<ellipse class="cast" cx="400" cy="652" rx="270" ry="32"/>
<path class="o" d="M396 120v400" stroke="#b98a5a" stroke-width="18"/>
<path class="c" d="M378 150c-30 150-100 260-206 330 70 14 140 12 206-2z"/><path class="lo" d="M378 150c-10 130-20 230-30 334l30-6z"/>
<path class="m" d="M416 176c90 60 158 160 176 294-60 20-120 20-176 8z"/><path class="lo" d="M560 372c16 30 26 62 32 98-60 20-120 20-176 8 60-10 110-46 144-106z"/>
<path d="M396 112l76 26-76 28z" class="a"/>
<path class="w" d="M128 506h544c10 0 16 8 12 18-30 76-76 122-146 122H270c-74 0-122-44-152-122-4-10 0-18 10-18z"/>
<path d="M140 566h522c-28 50-70 80-124 80H270c-58 0-102-30-130-80z" class="f" opacity=".9"/><path class="lo" d="M470 506h202c10 0 16 8 12 18-30 76-76 122-146 122h-60c20-40 20-90-8-140z"/>
<path class="o" d="M168 530h240" stroke="#fff" stroke-width="6" opacity=".4"/><path class="u" d="M352 236c-24 80-60 144-106 190"/>
"""

BLOCKS = """
<ellipse class="cast" cx="400" cy="650" rx="300" ry="34"/>
<rect class="m" x="140" y="470" width="180" height="180" rx="16"/><path class="lo" d="M260 470h44c10 0 16 6 16 16v148c0 10-6 16-16 16h-70c30-50 40-110 26-180z"/><circle cx="230" cy="560" r="46" fill="#fdf6e6" opacity=".92"/>
<rect x="336" y="470" width="180" height="180" rx="16" fill="#e0b35f"/><path class="lo" d="M456 470h44c10 0 16 6 16 16v148c0 10-6 16-16 16h-70c30-50 40-110 26-180z"/><path d="M426 512l48 88h-96z" fill="#fdf6e6" opacity=".92"/>
<path d="M534 650V566a82 82 0 0 1 164 0v84h-46v-78a36 36 0 0 0-72 0v78z" fill="#c26f66"/><path class="lo" d="M616 484a82 82 0 0 1 82 82v84h-46v-78a36 36 0 0 0-36-36z"/>
<rect x="238" y="286" width="180" height="180" rx="16" fill="#7a5581"/><path class="lo" d="M358 286h44c10 0 16 6 16 16v148c0 10-6 16-16 16h-70c30-50 40-110 26-180z"/><rect x="290" y="338" width="76" height="76" rx="10" fill="#fdf6e6" opacity=".92"/>
<rect class="w" x="434" y="362" width="190" height="104" rx="14"/><path class="lo" d="M540 362h70c8 0 14 6 14 14v76c0 8-6 14-14 14h-90c24-30 30-66 20-104z"/>
<path d="M328 116l94 166H234z" fill="#5f9489" stroke="#5f9489" stroke-width="14" stroke-linejoin="round"/><path d="M328 116l94 166h-64c0-60-8-120-30-166z" class="lo"/>
<g class="u"><path d="M158 500v-12h30M354 500v-12h30M256 316v-12h30"/></g>
"""

RINGS = """
<ellipse class="cast" cx="400" cy="660" rx="250" ry="34"/>
<path class="w" d="M176 612h448c8 0 12 8 8 16-20 26-60 40-110 40H278c-50 0-90-14-110-40-4-8 0-16 8-16z"/>
<rect class="w" x="382" y="160" width="36" height="180" rx="18"/>
<rect class="m" x="180" y="524" width="440" height="92" rx="46"/><rect x="212" y="436" width="376" height="88" rx="44" fill="#5d8fa3"/><rect x="242" y="354" width="316" height="82" rx="41" fill="#82ab87"/><rect x="270" y="276" width="260" height="78" rx="39" fill="#e7c26d"/><rect x="296" y="204" width="208" height="72" rx="36" fill="#dd9a5b"/>
<path class="lo" d="M470 524h104a46 46 0 0 1 0 92H450c24-26 30-58 20-92zM460 436h84a44 44 0 0 1 0 88H440c24-26 28-56 20-88zM450 354h67a41 41 0 0 1 0 82h-90c24-24 32-52 23-82zM440 276h51a39 39 0 0 1 0 78h-75c24-22 32-48 24-78zM432 204h36a36 36 0 0 1 0 72h-60c22-20 30-44 24-72z"/>
<circle cx="400" cy="164" r="44" fill="#c26f66"/><circle class="hi" cx="386" cy="148" r="14"/>
<path class="u" d="M220 556h90M250 466h80M280 382h66M306 302h56"/>
"""

PARCEL = """
<ellipse class="cast" cx="400" cy="640" rx="290" ry="40"/>
<path class="m" d="M140 300l260 90v250L156 556c-10-4-16-10-16-22z"/><path class="d" d="M660 300l-260 90v250l244-84c10-4 16-10 16-22z"/>
<path class="l" d="M400 212c6-2 10-2 16 0l244 88-260 90-260-90 244-88z"/><path d="M400 212c6-2 10-2 16 0l244 88-260 90-260-90 244-88z" fill="#fff" opacity=".18"/>
<path d="M262 258l260 90v66l-56 18v-66L206 278z" fill="#fff" opacity=".34"/>
<path class="c" d="M172 468l92 32v62l-92-32z"/><path class="o" d="M190 494l56 20M190 514l36 13" stroke="$dark" stroke-width="6" opacity=".6"/>
<path class="u" d="M166 322l200 70"/>
"""

DRAWINGS = {
    "mug": MUG,
    "teapot": TEAPOT,
    "bowls": BOWLS,
    "vase": VASE,
    "plate": PLATE,
    "coffee": COFFEE,
    "kettle": KETTLE,
    "dripper": DRIPPER,
    "grinder": GRINDER,
    "notebook": NOTEBOOK,
    "planner": PLANNER,
    "pen": PEN,
    "pencils": PENCILS,
    "letters": LETTERS,
    "train": TRAIN,
    "rainbow": RAINBOW,
    "sailboat": SAILBOAT,
    "blocks": BLOCKS,
    "rings": RINGS,
    "parcel": PARCEL,
}
