use super::*;
use crate::formats::{analyze, samples};
use crate::isolation::in_process;
use crate::progress::testing::Recorder;

/// A short story, as a translator would tell it.
const TEXTS: [(&str, &str); 20] = [
    (
        "en",
        "The keeper of the lighthouse wrote down every ship that passed, and every night he read the names aloud before he went to sleep. When the storm came in from the north, nobody in the village believed that the old lamp would burn until morning.",
    ),
    (
        "de",
        "Der Wärter des Leuchtturms schrieb jedes Schiff auf, das vorbeifuhr, und las die Namen jeden Abend laut vor, bevor er schlafen ging. Als der Sturm von Norden kam, glaubte niemand im Dorf, dass die alte Lampe bis zum Morgen brennen würde.",
    ),
    (
        "fr",
        "Le gardien du phare notait chaque navire qui passait, et chaque soir il lisait les noms à haute voix avant de se coucher. Quand la tempête arriva du nord, personne au village ne croyait que la vieille lampe brûlerait jusqu'au matin.",
    ),
    (
        "es",
        "El guardián del faro anotaba cada barco que pasaba, y todas las noches leía los nombres en voz alta antes de acostarse. Cuando llegó la tormenta del norte, nadie en el pueblo creía que la vieja lámpara ardería hasta la mañana.",
    ),
    (
        "pt",
        "O guarda do farol anotava cada navio que passava, e todas as noites lia os nomes em voz alta antes de se deitar. Quando a tempestade chegou do norte, ninguém na aldeia acreditava que a velha lâmpada ardesse até de manhã.",
    ),
    (
        "it",
        "Il guardiano del faro annotava ogni nave che passava, e ogni sera leggeva i nomi ad alta voce prima di andare a dormire. Quando la tempesta arrivò da nord, nessuno nel villaggio credeva che la vecchia lampada sarebbe rimasta accesa fino al mattino.",
    ),
    (
        "nl",
        "De wachter van de vuurtoren schreef elk schip op dat voorbijvoer, en elke avond las hij de namen hardop voor voordat hij ging slapen. Toen de storm uit het noorden kwam, geloofde niemand in het dorp dat de oude lamp tot de ochtend zou branden.",
    ),
    (
        "sv",
        "Fyrvaktaren skrev upp varje fartyg som passerade, och varje kväll läste han namnen högt innan han gick och lade sig. När stormen kom från norr trodde ingen i byn att den gamla lampan skulle brinna till morgonen.",
    ),
    (
        "fi",
        "Majakanvartija kirjoitti muistiin jokaisen ohi kulkevan laivan, ja joka ilta hän luki nimet ääneen ennen nukkumaanmenoa. Kun myrsky saapui pohjoisesta, kukaan kylässä ei uskonut, että vanha lamppu palaisi aamuun asti.",
    ),
    (
        "pl",
        "Latarnik zapisywał każdy przepływający statek, a co wieczór przed snem czytał nazwy na głos. Kiedy z północy nadeszła burza, nikt we wsi nie wierzył, że stara lampa będzie się palić do rana.",
    ),
    (
        "cs",
        "Strážce majáku si zapisoval každou loď, která proplula kolem, a každý večer četl jména nahlas, než šel spát. Když přišla bouře ze severu, nikdo ve vesnici nevěřil, že stará lampa vydrží hořet až do rána.",
    ),
    (
        "ru",
        "Смотритель маяка записывал каждый проходящий корабль и каждый вечер перед сном читал названия вслух. Когда с севера пришла буря, никто в деревне не верил, что старая лампа будет гореть до утра.",
    ),
    (
        "uk",
        "Доглядач маяка записував кожен корабель, що проходив повз, і щовечора перед сном читав назви вголос. Коли з півночі прийшла буря, ніхто в селі не вірив, що стара лампа горітиме до ранку.",
    ),
    (
        "el",
        "Ο φύλακας του φάρου έγραφε κάθε πλοίο που περνούσε, και κάθε βράδυ διάβαζε τα ονόματα δυνατά πριν κοιμηθεί. Όταν ήρθε η καταιγίδα από τον βορρά, κανείς στο χωριό δεν πίστευε ότι η παλιά λάμπα θα έκαιγε ως το πρωί.",
    ),
    (
        "tr",
        "Deniz feneri bekçisi geçen her gemiyi yazar, her gece uyumadan önce adlarını yüksek sesle okurdu. Kuzeyden fırtına geldiğinde köyde hiç kimse eski lambanın sabaha kadar yanacağına inanmadı.",
    ),
    (
        "hu",
        "A világítótorony őre feljegyzett minden elhaladó hajót, és minden este hangosan felolvasta a neveket, mielőtt lefeküdt. Amikor északról megjött a vihar, a faluban senki sem hitte, hogy a régi lámpa reggelig égni fog.",
    ),
    (
        "ja",
        "灯台守は通り過ぎる船をすべて書き留め、毎晩眠る前にその名前を声に出して読んだ。北から嵐が来たとき、古いランプが朝まで燃え続けると信じる者は村に一人もいなかった。しかしランプは燃え続け、舟は一艘ずつ家に帰ってきた。子どもたちは浜辺で手を振り、年老いた灯台守は最後の船の名前をゆっくりと書き加えて、静かに本を閉じた。",
    ),
    (
        "zh",
        "灯塔的看守人记下每一艘经过的船，每天晚上睡觉之前都大声念出它们的名字。当暴风雨从北方袭来时，村里没有人相信那盏旧灯能一直亮到早晨。但是它亮着，船只一艘接一艘地回到了家。孩子们在海边挥手，年老的看守人慢慢写下最后一艘船的名字，然后安静地合上了书。第二天早上，海面平静得像一面镜子，村里的人都来到灯塔下面向他道谢。",
    ),
    (
        "ko",
        "등대지기는 지나가는 배를 모두 적어 두었고, 매일 밤 잠들기 전에 그 이름들을 소리 내어 읽었다. 북쪽에서 폭풍이 왔을 때 마을에서는 아무도 낡은 등불이 아침까지 타오를 것이라고 믿지 않았다. 그러나 등불은 꺼지지 않았고, 배들은 하나씩 집으로 돌아왔다. 아이들은 바닷가에서 손을 흔들었고 늙은 등대지기는 조용히 책을 덮었다.",
    ),
    (
        "ar",
        "كان حارس المنارة يكتب اسم كل سفينة تمر، وكان يقرأ الأسماء بصوت عال كل ليلة قبل أن ينام. وعندما جاءت العاصفة من الشمال لم يصدق أحد في القرية أن المصباح القديم سيبقى مضيئا حتى الصباح.",
    ),
];

fn text(tag: &str) -> &'static str {
    TEXTS.iter().find(|(known, _)| *known == tag).unwrap().1
}

/// Detects the language of documents in XHTML.
fn language(documents: &[String]) -> Option<String> {
    let indexes: Vec<usize> = (0..documents.len()).collect();
    let mut sampler = Sampler::new(&indexes);
    for (index, document) in documents.iter().enumerate() {
        sampler.add(index, document);
    }
    sampler.finish()
}

/// A text that is long enough.
fn paragraphs(text: &str) -> String {
    format!("<h1>1</h1><p>{text}</p>").repeat(4)
}

fn document(body: &str) -> String {
    format!("<html><head><title>The title in English</title></head><body>{body}</body></html>")
}

#[test]
fn language_of_a_text_is_detected() {
    for (tag, text) in TEXTS {
        let found = language(&[document(&paragraphs(text))]);
        assert_eq!(found.as_deref(), Some(tag));
    }
}

#[test]
fn text_that_is_short_mixed_or_of_an_unknown_language_has_none() {
    let icelandic = "Vitavörðurinn skrifaði niður hvert skip sem sigldi hjá og á hverju kvöldi las hann \
        nöfnin upphátt áður en hann fór að sofa. Þegar stormurinn kom úr norðri trúði enginn í þorpinu \
        að gamli lampinn myndi loga til morguns.";
    let mixed =
        format!("<p>{}</p>", text("en").repeat(3)) + &format!("<p>{}</p>", text("de").repeat(3));
    for body in [
        "",
        "<p>A short text says too little.</p>",
        "<p>1234567890 1234567890 1234567890</p>",
        &"<p>Mr. Smith</p>".repeat(100),
        &paragraphs(icelandic),
        &paragraphs(text("fr"))[..400],
        &mixed,
    ] {
        assert_eq!(language(&[document(body)]), None, "{body}");
    }
    assert_eq!(language(&[]), None);
}

#[test]
fn front_matter_and_quotations_in_another_language_do_not_count() {
    let chapter = document(&paragraphs(text("fr")));
    let license = document(&paragraphs(text("en")));
    let mut book = vec![chapter; 12];
    book.insert(0, license);
    assert_eq!(language(&book).as_deref(), Some("fr"));
}

#[test]
fn markup_is_not_read() {
    let script = "var element = document.getElementById('the name of the element');".repeat(20);
    let body = format!(
        "<script>{script}</script>{}<style>{script}</style><p>{}</p>",
        paragraphs(text("pl")),
        text("pl").replace("każdy", "<b>ka</b>żdy"),
    );
    assert_eq!(language(&[document(&body)]).as_deref(), Some("pl"));
}

#[test]
fn sample_is_bounded() {
    let long = document(&format!("<p>{}</p>", text("es")).repeat(1_000));
    let documents = vec![long; 1_000];
    let indexes: Vec<usize> = (0..1_000).collect();
    let mut sampler = Sampler::new(&indexes);
    for (index, document) in documents.iter().enumerate() {
        sampler.add(index, document);
    }
    assert_eq!(sampler.samples.len(), MAX_DOCUMENTS);
    let (of_document, _) = MAX_TEXT;
    let longest = sampler.samples.iter().map(|sample| sample.chars().count());
    assert!(longest.max().unwrap() < of_document + 50);
    assert_eq!(sampler.finish().as_deref(), Some("es"));
}

#[test]
fn language_of_a_book_is_in_its_contents() {
    let chapter = document(&paragraphs(text("it")));
    let opf = samples::OPF3.replace("c1.xhtml", "c2.xhtml");
    let epub = samples::epub(&opf, &[("OEBPS/c2.xhtml", chapter.as_bytes())]);
    let size = epub.len() as u64;
    let mut file = std::io::Cursor::new(epub);
    let analysis = analyze(
        &mut file,
        "a.epub",
        size,
        &in_process,
        &mut Recorder::default(),
    )
    .unwrap();
    assert_eq!(analysis.contents.language.as_deref(), Some("it"));
    let declared = analysis.metadata.language.unwrap();
    assert!(language_differs(&declared, "it"), "{declared}");
}

#[test]
fn declared_language_differs_by_its_primary_tag() {
    for (declared, detected, differs) in [
        ("en", "en", false),
        ("en-US", "en", false),
        ("EN_gb", "en", false),
        (" eng ", "en", false),
        ("ger", "de", false),
        ("deu-AT", "de", false),
        ("en", "de", true),
        ("fr-CA", "en", true),
        ("no", "nb", false),
        ("nn-NO", "nb", false),
        ("nb", "da", true),
        ("zh-Hant-TW", "zh", false),
        ("cmn", "zh", false),
        ("yue", "zh", false),
        ("zh", "ja", true),
        ("sr-Latn", "hr", false),
        ("hr", "sr", false),
        ("ms", "id", false),
        ("iw", "he", false),
        ("fil", "tl", false),
        ("per", "fa", false),
        // Not known to the detector, or no language.
        ("eu", "es", false),
        ("sq", "fr", false),
        ("und", "en", false),
        ("mul", "en", false),
        ("English", "en", false),
        ("x-private", "en", false),
        ("", "en", false),
        ("en", "", false),
    ] {
        assert_eq!(
            language_differs(declared, detected),
            differs,
            "{declared} {detected}"
        );
    }
}

#[test]
fn every_language_of_the_detector_has_a_tag() {
    for language in whatlang::Lang::all() {
        let code = language.code();
        assert!(tag_of(code).is_some(), "{code}");
        assert_eq!(known_language(code).map(str::len), Some(2), "{code}");
    }
}
