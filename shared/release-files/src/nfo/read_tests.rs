use super::*;

fn metadata(text: &str) -> NfoMetadata {
    read(text).metadata
}

fn names(text: &str) -> Vec<String> {
    read(text).files.into_iter().map(|file| file.name).collect()
}

/// The metadata in most layouts below.
fn expected() -> NfoMetadata {
    NfoMetadata {
        title: Some("The Lighthouse Keeper's Ledger".to_owned()),
        authors: vec!["Ada Example".to_owned(), "Jean Modèle".to_owned()],
        publisher: Some("Harbour Press".to_owned()),
        year: Some(2019),
        isbn: Some("9780306406157".to_owned()),
        language: Some("English".to_owned()),
        format: Some("EPUB".to_owned()),
        size: Some(1_200_000),
        group: Some("DEMO".to_owned()),
    }
}

#[test]
fn dotted_leaders_in_a_drawn_box_are_read() {
    let text = "
  ▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄
 ░▒▓█  D E M O   P R O U D L Y   P R E S E N T S        █▓▒░
╔═══════════════════[ BOOK INFO ]═══════════════════════════╗
║                                                           ║
║  TiTLE.........: The Lighthouse Keeper's Ledger           ║
║  AUTHOR(S).....: Ada Example, Jean Modèle                 ║
║  PUBLiSHER.....: Harbour Press                            ║
║  YEAR..........: 2019                                     ║
║  iSBN-13.......: 978-0-306-40615-7                        ║
║  LANGUAGE......: English                                  ║
║  FORMAT........: EPUB                                     ║
║  SiZE..........: 1.2 MB                                   ║
║  GROUP.........: DEMO                                     ║
║  GENRE.........: Fiction                                  ║
║                                                           ║
╠════════════════════[ FILES ]══════════════════════════════╣
║  ledger.epub                      1.2 MB       CBF43926   ║
║  cover.jpg                        90 KB        00000000   ║
╚═══════════════════════════════════════════════════════════╝
  Greetings to everyone who reads: enjoy the book.epub
";
    assert_eq!(metadata(text), expected());
    assert_eq!(names(text), ["ledger.epub", "cover.jpg"]);
}

#[test]
fn french_labels_in_an_ascii_frame_are_read_from_utf8_and_cp437() {
    let text = "
+----------------------------------------------------------+
| Titre    : The Lighthouse Keeper's Ledger                |
| Auteurs  : Ada Example et Jean Modèle                    |
| Éditeur  : Harbour Press                                 |
| Année    : 2019            Langue : English              |
| ISBN     : 978-0-306-40615-7                             |
| Format   : EPUB            Taille : 1,2 Mo               |
| Groupe   : DEMO            Pages  : 312                  |
+----------------------------------------------------------+
";
    assert_eq!(metadata(text), expected());
    let dos =
        oem_cp::encode_string_checked(text, &oem_cp::code_table::ENCODING_TABLE_CP437).unwrap();
    assert_eq!(
        metadata(&crate::nfo::decoded::DecodedNfo::new(&dos).text),
        expected()
    );
}

#[test]
fn tables_with_cells_are_read() {
    let text = "
┌───────────┬────────────────────────────────┐
│ Title     │ The Lighthouse Keeper's Ledger │
│ Author    │ Ada Example; Jean Modèle       │
├───────────┼────────────────────────────────┤
│ Publisher │ Harbour Press                  │
└───────────┴────────────────────────────────┘
┌──────┬───────────────────┬──────────┐
│ Year │ ISBN              │ Language │
├──────┼───────────────────┼──────────┤
│ 2019 │ 978-0-306-40615-7 │ English  │
└──────┴───────────────────┴──────────┘
║ Format : EPUB ║ Size : 1200 KB ║ Team : DEMO ║
";
    assert_eq!(metadata(text), expected());
}

#[test]
fn plain_labels_with_continued_values_are_read() {
    let text = "
Title:     The Lighthouse
           Keeper's Ledger
Written by:
    Ada Example & Jean Modèle
Publisher: Harbour Press
Publication date: 14/03/2019
Release date: 2026-11-23
Language = English
File type -> EPUB
Size: 1,200,000 bytes
Released by: DEMO

  ISBN 978-0-306-40615-7 (paperback)

Notes: Author of this NFO unknown.
";
    assert_eq!(metadata(text), expected());
}

#[test]
fn brackets_around_values_and_labels_are_removed() {
    let text = "
 [Titre] The Lighthouse Keeper's Ledger
 [Auteur]....[ Ada Example ]
 [Auteur]....[ Jean Modèle ]
 Maison d'édition ......[ Harbour Press ]
 Date de parution ......[ mars 2019 ]
 ISBN ..................[ 9780306406157 ]
 Langue ................[ English ]
 Format ................[ EPUB ]
 Taille ................[ 1 200 000 octets ]
 Équipe ................[ DEMO ]
";
    assert_eq!(metadata(text), expected());
}

#[test]
fn invalid_values_are_not_read() {
    let text =
        "A story.\r\nISBN: 978-0-306-40615-8\r\nYear: soon\r\nSize: large\r\nDate: 2026-11-23\r\n";
    assert_eq!(metadata(text), NfoMetadata::default());
    assert_eq!(metadata("Date : 2019").year, Some(2019));
    assert_eq!(read(""), NfoContent::default());
}

#[test]
fn value_ends_at_a_heading_or_a_blank_line() {
    let text = "Title : One\n        Two\n      -=[ NOTES ]=-\nAuthor: A. B.\n\n        Three\n";
    let found = metadata(text);
    assert_eq!(
        (found.title.as_deref(), found.authors),
        (Some("One Two"), vec!["A. B.".to_owned()])
    );
}

#[test]
fn continued_title_may_contain_a_label() {
    let text = "  Title ........: A very long title\n                  Year: 2000 and on\n  Year .........: 2019\n";
    let found = metadata(text);
    assert_eq!(
        (found.title.as_deref(), found.year),
        (Some("A very long title Year: 2000 and on"), Some(2019))
    );
}

#[test]
fn labels_in_markup_and_before_tabs_are_read() {
    for text in [
        "**Title:** Salt\n**Author:** Ann Writer\n",
        "- **Title**: *Salt*\n- **Author**: Ann Writer\n",
        "* __Title__ : __Salt__\n* __Author__ : Ann Writer\n",
        "[b]Title:[/b] Salt\n[b]Author:[/b] Ann Writer\n",
        "<b>Title</b>: Salt\n<b>Author</b>: Ann Writer\n",
        "| **Title** | Salt |\n|---|---|\n| **Author** | Ann Writer |\n",
        "**Title:** *Salt*\n**Author:** **Ann Writer**\n",
        "**Title**: *Salt*\n*Author:* *Ann Writer*\n",
        "* Title: Salt         *\n* Author: Ann Writer *\n",
        "<b>Title:</b> Salt<br>\nAuthor: Ann Writer<br/>\n",
        "Title: \"Salt\"<br>\n<p><b>Author:</b> Ann Writer</p>\n",
        "<ul><li>Title: Salt</li>\n<li>Author: Ann Writer</li></ul>\n",
        "<tr><td>Title</td><td>Salt</td></tr>\n<tr><td><b>Author:</b></td> <td>Ann Writer</td></tr>\n",
        "[B]Title:[/B] Salt\n[color=red]Author:[/color] [url=http://x]Ann Writer[/url]\n",
        "Title\tSalt\nAuthor\tAnn Writer\n",
        "  Title\tSalt\n  Author\tAnn Writer\n",
        "  Title \tSalt\n Author\t\tAnn Writer\n",
        "Title:\tSalt\nAuthor:\tAnn Writer\n",
        "  Title\tSalt\tAuthor\tAnn Writer\n",
        "Title\tAuthor\nSalt\tAnn Writer\n",
        "Title: \"Salt\"\nAuthor: \"Ann Writer\"\n",
    ] {
        let found = metadata(text);
        assert_eq!(found.title.as_deref(), Some("Salt"), "{text}");
        assert_eq!(found.authors, ["Ann Writer"], "{text}");
    }
}

#[test]
fn value_that_is_not_known_is_not_read() {
    let text = "Title: N/A\nAuthor: Unknown\nPublisher: -\nLanguage: n/a\nFormat: [FORMAT]\nYear: ????\n\
                Group....[ none ]\nISBN: N/A\nSize: ?\n";
    assert_eq!(metadata(text), NfoMetadata::default());
    let text = "Publisher: N/A\nPublisher: House\nAuthor: ???\nAuthor: Ann Writer; Unknown\n";
    let found = metadata(text);
    assert_eq!(found.publisher.as_deref(), Some("House"));
    assert_eq!(found.authors, ["Ann Writer"]);
}

#[test]
fn isbn_is_read_from_any_label_with_that_word() {
    for line in [
        "Print ISBN: 9780306406157",
        "ISBN (ebook) : 978-0-306-40615-7",
        "eISBN......: 978 0 306 40615 7",
        "Print ISBN: 978-0-306-40615-7  eISBN: 0-8044-2957-X",
        "Print ISBN: N/A   e-ISBN: 9780306406157",
        "ISBN: 9780306406158 / 9780306406157",
        "Format: Paperback, ISBN 978-0-306-40615-7",
        "ISBN13 9780306406157",
        "Hardcover, ISBN 978 0 306 40615 7, 312 pages",
    ] {
        assert_eq!(
            metadata(line).isbn.as_deref(),
            Some("9780306406157"),
            "{line}"
        );
    }
    let title = "Title: The ISBN 9780306406157 affair";
    assert_eq!(metadata(title).isbn, None);
}

#[test]
fn continued_words_of_wide_characters_keep_their_spaces() {
    let found = metadata("Title: 灰色の\n       港 2\n");
    assert_eq!(found.title.as_deref(), Some("灰色の 港 2"));
    let full = "港".repeat(36);
    let found = metadata(&format!("Title: {full}\n       {full}\n"));
    assert_eq!(found.title, Some(full.repeat(2)));
}
