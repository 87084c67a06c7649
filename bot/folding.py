"""One normal form for matching what people type against lists that we wrote.

`fold` is the form that every list in the project is compared in; `loosen` is a rougher form for matching where a miss
costs more than a false alarm. Both are for matching only: what a person wrote is stored and shown as it came.
"""

import re
import unicodedata
from functools import cache
from typing import Final

# Every mark that stands for an apostrophe on some keyboard. All are removed, never turned into a space, so that
# "I'm", "I’m" and "Im" are one, and so are "j'ai", "j’ai" and "jai", which is how French is texted. A quotation in
# single quotes loses them the same way. Before NFKC, because that turns the acute accent into a space and a mark.
_APOSTROPHES: Final = "'`´‘’‚‛′‵ʹʻʼʽʾʿˈˋˊ＇ꞌ"

# Letters that Unicode does not take apart into a letter and an accent.
_LATIN: Final = dict(zip("øłđħıŧŋ", "oldhitn", strict=True)) | {"æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ß": "ss"}

# Persian, Urdu and Arabic keyboards send different letters for what readers take as the same one. The hamza and madda
# carriers need no row: taken apart, they are a plain letter and a mark. Noon ghunna and the big ye are here because an
# Arabic keyboard has neither.
_ARABIC: Final = {
    "ٱ": "ا", "ى": "ي", "ی": "ي", "ې": "ي", "ے": "ي", "ک": "ك", "ڪ": "ك",
    "ة": "ه", "ۃ": "ه", "ہ": "ه", "ھ": "ه", "ە": "ه", "ں": "ن", "ـ": "",
}  # fmt: skip

# Marks that belong to no script of their own: Latin accents, mostly. After a Cyrillic letter they make another letter.
_ACCENTS: Final = re.compile("(?<![\u0400-\u04ff])[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")
_WITHOUT_APOSTROPHES: Final = {ord(mark): None for mark in _APOSTROPHES}


class _Characters(dict[int, str]):
    """A translation table that is filled as characters are met, so that each one is looked up once."""

    def __missing__(self, code: int) -> str:
        self[code] = result = _character(chr(code))
        return result


def _character(character: str) -> str:
    if character in _LATIN:
        return _LATIN[character]
    if character in _ARABIC:
        return _ARABIC[character]
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Cf" or "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef":
        return ""  # zero width, writing direction, soft hyphen, which picture of a character
    if category == "Mn" and "\u0600" <= character <= "\u06ff":
        return ""  # harakat
    if category[0] in "LMN":
        return character
    return " "  # punctuation, symbols, emoji, control characters, half of a surrogate pair, characters not known yet


_TABLE: Final = _Characters()


def _fold_once(text: str) -> str:
    text = unicodedata.normalize("NFKC", text.translate(_WITHOUT_APOSTROPHES)).casefold()
    text = unicodedata.normalize("NFKD", text).translate(_WITHOUT_APOSTROPHES)
    text = _ACCENTS.sub("", text).translate(_TABLE)
    return " ".join(unicodedata.normalize("NFC", text).split())


def fold(text: str) -> str:
    """The one normal form for matching: small letters and digits, single spaces, nothing around them.

    Compatibility forms (full width, ligatures, circled digits) become plain ones; Latin accents go ("Arrêt" is
    "arret"); digits of every script become ASCII; Arabic short vowels and tatweel go, and the variants of alef, ye, kaf,
    he and ta marbuta are one each; Devanagari signs and the voicing marks of kana stay, and katakana stays katakana.
    Apostrophes are removed ("I’m" is "im", "j'ai" is "jai"); all other punctuation, symbols and emoji become a space;
    zero-width and direction marks go. Folding twice changes nothing. Never raises, whatever the string holds.
    """
    if text.isascii() and text.isalnum():
        return text.lower()
    # Taking a character out can bring two together that compose, so once is not always enough; it settles at once.
    for _ in range(8):
        folded = _fold_once(text)
        if folded == text:
            break
        text = folded
    return text


_RUNS: Final = re.compile(r"([a-z])\1{2,}")


def squeeze(folded: str) -> str:
    """Folded text with letters that are drawn out, three and more in a row, written once: "heeelp" is "help"."""
    return _RUNS.sub(r"\1", folded)


_CJK: Final = "\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HAS_CJK: Final = re.compile(f"[{_CJK}]")
_SPACE_INSIDE_CJK: Final = re.compile(f"(?<=[{_CJK}]) (?=[{_CJK}])")
_CJK_BORDER: Final = re.compile(f"(?<=[{_CJK}])(?=[a-z0-9])|(?<=[a-z0-9])(?=[{_CJK}])")
_DROPPED_G: Final = re.compile(r"(?<=[a-z]{2})ing(?!\S)")
_NASAL: Final = re.compile("[ङञणनम]्(?=[क-ह])")
_FINAL_HALANT: Final = re.compile(r"्(?!\S)")

# Traditional characters with the simplified one that we compare them as: those in common use.
_TRADITIONAL: Final = (
    "丟並亂亞佈佔併來侖侶侷係俠倆倉個們倖倣倫偉側偵偽傑傘備傚傢傭傳債傷傾僅僑僕僥僱價儀億儈儉儘償優儲兇兌兒內兩冊"
    "冪凍凜凱別刪則剋剎剛剝創剷劃劇劉劊劍劑勁動務勛勝勞勢勦勳勵勸勻匯區協卹卻厭厲參叢吳吶呂員唸問啞啟啣喚喪喫喬單"
    "喲嗆嗎嗚嘆嘔嘗嘩嘯噓噴噸噹嚇嚐嚥嚨嚮嚴囂囌囑囪國圍園圓圖團執堅堯報場塊塗塢塵塹墊墜墮墳墾壇壓壘壞壟壩壯壺壽夠"
    "夢夥夾奧奪奮妝妳姦姪娛婁婦媽嬌嬰嬸孃孫學孿宮寢實寧審寫寬寵寶將專尋對導屆屍屜屢層屬岡島峽崑崗崙嶄嶺嶼嶽巒巖帥"
    "師帳帶幀幟幣幫幹幾庫廁廂廄廈廚廟廠廢廣廬廳弔張強彆彈彌彎彙彥彫彿後徑從復徵徹恆恥悅悶悽惡惱愛慄態慘慚慣慫慮慶"
    "慼慾憂憊憐憑憚憤憫憲憶懇應懲懶懷懸懼懾戀戰戲戶拋拚挾捨捱捲掃掄掙掛採揀揚換揮揹搆損搖搗搶搾摟摯摺摻撈撐撓撥撫"
    "撲撻撾撿擁擄擇擊擋擔據擠擬擰擱擲擴擺擻擾攆攏攔攙攜攝攣攤攪攬敗敘敵數斂斃斬斷於昇時晉晝暈暢暫曆曉曠曬書會朮東"
    "枴柵桿條棄棗棟棧棲楊楓業極榦榮構槍槓槳樁樂樑樓標樞樣樸樹橋機橢橫檔檢檯檸檻櫃櫥櫻欄權欽歎歐歡歲歷歸殘殲殺殼毀"
    "毆毬氈氣氫氷氾汎汙決沒沖況洩洶涼淒淚淨淪淵淺渙減渦測渾湊湧湯準溝溫溼滄滅滌滬滯滲滷滾滿漁漢漣漬漲漸漿潑潔潛潤"
    "潰澀澆澗澤澱濁濃濕濘濛濟濤濫濰濱濺濾瀉瀋瀕瀝瀰瀾灑灘灣灤災為烏無煉煙煥煩熒熱熾燄燈燒燙營燦燬燭燴燻燼爍爐爛爭"
    "爺爾牆牠牴牽犢犧狀狹狽猙猶獄獅獎獨獰獲獵獸獺獻現琺瑣瑤瑩瑪瑯環瓊甕產甦畝畢畫異當疇疊痙痠痺瘉瘋瘍瘓瘡瘧療癒癟"
    "癡癢癥癬癱発發皚皺盃盜盞盡監盤盧盪眾睏睜瞇瞞瞭矇矚矯矽砲硃硯碩確碼磚礎礙礦礫礬祕祿禍禦禮禱禿稅稈稜種稱穀積穎"
    "穢穩穫窩窪窮窯窺竄竅竊競筆筍箇箋節範築篩簍簑簡簽簾籃籌籐籠籤籬籮籲粵糞糧糰糾紀約紅紉紋納紐純紗紙級紛紡紮細紳"
    "紹終絃組絆結絕絛絞絡絢給絨統絲絹綁綏綑經綜綠綢維綱網綴綵綸綻綽綿緊緒緘線緝緞締緣編緩緬緯練緻縛縣縫縮縱縴縷總"
    "績繃織繕繙繞繡繩繪繫繭繳繹繼續纏纓纔纖纜缽罈罰罵罷羅羨義習翹聖聞聯聰聲聳聶職聽聾肅脅脈脣脩脫脹腎腦腫腳腸膚膠"
    "膩膽膿臉臍臘臟臥臨臺與興舉舊艙艦艱艷茲荊莊莖莢華菸萊萬葉葦葷蒐蒼蓆蓋蓮蔔蔣蔥蔭蕩蕪蕭薊薑薔薦薩薹藍藝藥藹蘆蘇"
    "蘊蘋蘭蘿處虛虜號虧蛻蝕蝦蝨蝸螞螢蟬蟲蟻蠅蠍蠟蠱蠶蠻術衛衝裏補裝裡製複褲襖襪襬襯襲見規覓視親覺覽觀觸訂訃計訊討"
    "訓訖託記訛訝訟訣訪設許訴診註証詐評詛詞詠詢詣試詩詫詭話該詳誅誇誌認誕誘語誠誡誣誤誦誨說誰課誹誼調諄談請諒論諜"
    "諧諮諱諷諸諺諾謀謂謄謊謎謗謙講謝謠謬謹譁證譏識譚譜譟譯議譴護譽讀變讒讓讚豈豎豐豔豬貍貓貝貞負財貢貧貨販貪貫責"
    "貯貳貴貶買貸費貼貿賀賂賃賄資賈賊賒賓賜賞賠賢賣賤賦質賬賭賴賺購賽贅贈贊贍贏贓贖贛趕趙趨跡踐踫踴蹟蹤躊躍軀車軋"
    "軌軍軒軟軸較載輓輔輕輛輝輥輩輪輯輸輻輾輿轄轅轉轍轎轟辦辭辮辯農迴這連週進遊運過達違遙遜遞遠適遲遷選遺遼邁還邊"
    "邏郵鄉鄒鄧鄭鄰醜醞醣醫醬釀釁釋釐釘針釣釦釩鈉鈍鈔鈕鈞鈣鈴鈾鉀鉅鉑鉗鉚鉛鉤鉸鉻銀銅銑銘銜銲銳銷銻鋁鋅鋇鋒鋤鋪鋸"
    "鋼錄錐錘錠錢錦錨錫錯錳錶鍊鍋鍍鍛鍬鍵鍾鎂鎊鎖鎗鎚鎢鎬鎮鎳鏈鏟鏡鏽鐘鐮鐳鐵鑄鑑鑒鑤鑰鑲鑷鑼鑽鑿長門閃閉開閏閑閒"
    "間閘閡閣閤閥閨閩閱閻闆闊闌闖關闡闢阬陝陞陣陰陳陸陽隄隊階隕際隨險隱隴隸隻雖雙雛雜雞離難雲電霑霧靈靜鞏鞦韆韋韌"
    "韓韻響頁頂頃項順須頌預頑頒頓頗領頤頭頰頸頹頻顆題額顏願顛類顧顫顯顱風颱颳飄飛飢飯飲飼飽飾餃餅養餌餒餓餘餞餡館"
    "餵餽餾饅饑饒饞馬馭馮馱馳馴駁駐駒駕駛駝駭駱駿騁騎騙騰騷騾驅驕驗驚驟驢骯髒體髮鬆鬍鬚鬥鬧鬨鬱魚魯鮑鮮鯉鯨鰓鱉鱗"
    "鳥鳳鳴鴉鴕鴛鴦鴨鴻鴿鵑鵝鵬鵲鶴鷗鷹鹵鹹鹼鹽麗麥麴麵麼黃點黨黴鼕齊齋齒齡齣齧齲龍龐龔龜"
)  # fmt: skip
_SIMPLIFIED: Final = (
    "丢并乱亚布占并来仑侣局系侠俩仓个们幸仿伦伟侧侦伪杰伞备效家佣传债伤倾仅侨仆侥雇价仪亿侩俭尽偿优储凶兑儿内两册"
    "幂冻凛凯别删则克刹刚剥创铲划剧刘刽剑剂劲动务勋胜劳势剿勋励劝匀汇区协恤却厌厉参丛吴呐吕员念问哑启衔唤丧吃乔单"
    "哟呛吗呜叹呕尝哗啸嘘喷吨当吓尝咽咙向严嚣苏嘱囱国围园圆图团执坚尧报场块涂坞尘堑垫坠堕坟垦坛压垒坏垄坝壮壶寿够"
    "梦伙夹奥夺奋妆你奸侄娱娄妇妈娇婴婶娘孙学孪宫寝实宁审写宽宠宝将专寻对导届尸屉屡层属冈岛峡昆岗仑崭岭屿岳峦岩帅"
    "师帐带帧帜币帮干几库厕厢厩厦厨庙厂废广庐厅吊张强别弹弥弯汇彦雕佛后径从复征彻恒耻悦闷凄恶恼爱栗态惨惭惯怂虑庆"
    "戚欲忧惫怜凭惮愤悯宪忆恳应惩懒怀悬惧慑恋战戏户抛拼挟舍挨卷扫抡挣挂采拣扬换挥背构损摇捣抢榨搂挚折掺捞撑挠拨抚"
    "扑挞挝捡拥掳择击挡担据挤拟拧搁掷扩摆擞扰撵拢拦搀携摄挛摊搅揽败叙敌数敛毙斩断于升时晋昼晕畅暂历晓旷晒书会术东"
    "拐栅杆条弃枣栋栈栖杨枫业极干荣构枪杠桨桩乐梁楼标枢样朴树桥机椭横档检台柠槛柜橱樱栏权钦叹欧欢岁历归残歼杀壳毁"
    "殴球毡气氢冰泛泛污决没冲况泄汹凉凄泪净沦渊浅涣减涡测浑凑涌汤准沟温湿沧灭涤沪滞渗卤滚满渔汉涟渍涨渐浆泼洁潜润"
    "溃涩浇涧泽淀浊浓湿泞蒙济涛滥潍滨溅滤泻沈濒沥弥澜洒滩湾滦灾为乌无炼烟焕烦荧热炽焰灯烧烫营灿毁烛烩熏烬烁炉烂争"
    "爷尔墙它抵牵犊牺状狭狈狰犹狱狮奖独狞获猎兽獭献现珐琐瑶莹玛琅环琼瓮产苏亩毕画异当畴叠痉酸痹愈疯疡痪疮疟疗愈瘪"
    "痴痒症癣瘫发发皑皱杯盗盏尽监盘卢荡众困睁眯瞒了蒙瞩矫硅炮朱砚硕确码砖础碍矿砾矾秘禄祸御礼祷秃税秆棱种称谷积颖"
    "秽稳获窝洼穷窑窥窜窍窃竞笔笋个笺节范筑筛篓蓑简签帘篮筹藤笼签篱箩吁粤粪粮团纠纪约红纫纹纳纽纯纱纸级纷纺扎细绅"
    "绍终弦组绊结绝绦绞络绚给绒统丝绢绑绥捆经综绿绸维纲网缀彩纶绽绰绵紧绪缄线缉缎缔缘编缓缅纬练致缚县缝缩纵纤缕总"
    "绩绷织缮翻绕绣绳绘系茧缴绎继续缠缨才纤缆钵坛罚骂罢罗羡义习翘圣闻联聪声耸聂职听聋肃胁脉唇修脱胀肾脑肿脚肠肤胶"
    "腻胆脓脸脐腊脏卧临台与兴举旧舱舰艰艳兹荆庄茎荚华烟莱万叶苇荤搜苍席盖莲卜蒋葱荫荡芜萧蓟姜蔷荐萨苔蓝艺药蔼芦苏"
    "蕴苹兰萝处虚虏号亏蜕蚀虾虱蜗蚂萤蝉虫蚁蝇蝎蜡蛊蚕蛮术卫冲里补装里制复裤袄袜摆衬袭见规觅视亲觉览观触订讣计讯讨"
    "训讫托记讹讶讼诀访设许诉诊注证诈评诅词咏询诣试诗诧诡话该详诛夸志认诞诱语诚诫诬误诵诲说谁课诽谊调谆谈请谅论谍"
    "谐咨讳讽诸谚诺谋谓誊谎谜谤谦讲谢谣谬谨哗证讥识谭谱噪译议谴护誉读变谗让赞岂竖丰艳猪狸猫贝贞负财贡贫货贩贪贯责"
    "贮贰贵贬买贷费贴贸贺赂赁贿资贾贼赊宾赐赏赔贤卖贱赋质账赌赖赚购赛赘赠赞赡赢赃赎赣赶赵趋迹践碰踊迹踪踌跃躯车轧"
    "轨军轩软轴较载挽辅轻辆辉辊辈轮辑输辐辗舆辖辕转辙轿轰办辞辫辩农回这连周进游运过达违遥逊递远适迟迁选遗辽迈还边"
    "逻邮乡邹邓郑邻丑酝糖医酱酿衅释厘钉针钓扣钒钠钝钞钮钧钙铃铀钾巨铂钳铆铅钩铰铬银铜铣铭衔焊锐销锑铝锌钡锋锄铺锯"
    "钢录锥锤锭钱锦锚锡错锰表炼锅镀锻锹键钟镁镑锁枪锤钨镐镇镍链铲镜锈钟镰镭铁铸鉴鉴刨钥镶镊锣钻凿长门闪闭开闰闲闲"
    "间闸阂阁合阀闺闽阅阎板阔阑闯关阐辟坑陕升阵阴陈陆阳堤队阶陨际随险隐陇隶只虽双雏杂鸡离难云电沾雾灵静巩秋千韦韧"
    "韩韵响页顶顷项顺须颂预顽颁顿颇领颐头颊颈颓频颗题额颜愿颠类顾颤显颅风台刮飘飞饥饭饮饲饱饰饺饼养饵馁饿余饯馅馆"
    "喂馈馏馒饥饶馋马驭冯驮驰驯驳驻驹驾驶驼骇骆骏骋骑骗腾骚骡驱骄验惊骤驴肮脏体发松胡须斗闹哄郁鱼鲁鲍鲜鲤鲸鳃鳖鳞"
    "鸟凤鸣鸦鸵鸳鸯鸭鸿鸽鹃鹅鹏鹊鹤鸥鹰卤咸碱盐丽麦曲面么黄点党霉冬齐斋齿龄出啮龋龙庞龚龟"
)  # fmt: skip


@cache
def _loose_table() -> dict[int, str | None]:
    table: dict[int, str | None] = {ord(old): new for old, new in zip(_TRADITIONAL, _SIMPLIFIED, strict=True)}
    table |= {code: chr(code - 0x60) for code in range(0x30A1, 0x30F7)}  # katakana -> hiragana
    # Long and short i and u, the three s, b and v, moon dots: confused in writing Nepali all the time.
    table |= {ord(old): new for old, new in zip("ँीूशषव", "ंिुससब", strict=True)}
    table[0x093C] = None  # nukta
    return table


def loosen(folded: str) -> str:
    """A rougher form of folded text, for matching where a miss costs more than a false alarm.

    Drawn-out letters are written once, and "-ing" as it is texted, "-in"; some doubled vowels of romanised Urdu, Nepali
    and Arabic are one ("maar" is "mar", "jee" is "ji"); Devanagari letters that are often confused become one; katakana
    becomes hiragana, traditional characters simplified ones; Chinese and Japanese lose the spaces inside and gain them
    beside Latin letters and digits. Meaningless as text: compare it with other loosened text only.
    """
    text = _DROPPED_G.sub("in", squeeze(folded))
    text = text.replace("aa", "a").replace("ee", "i").replace("oo", "u").replace("ii", "i")
    if text.isascii():
        return text
    text = _FINAL_HALANT.sub("", _NASAL.sub("ं", text.translate(_loose_table())))
    if _HAS_CJK.search(text):
        text = _CJK_BORDER.sub(" ", _SPACE_INSIDE_CJK.sub("", text))
    return text


def is_cjk(text: str) -> bool:
    """Whether the text holds a Chinese character or kana, which are written without spaces between words."""
    return _HAS_CJK.search(text) is not None
