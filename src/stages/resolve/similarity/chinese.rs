//! A name in Chinese characters -> family and given name in Pinyin, as other systems spell them.
//!
//! Traditional and simplified characters of one name are read alike, so that they meet here; full-width forms are
//! folded before. What a bank types in Latin letters beside the characters is often another spelling of them.

use pinyin::ToPinyin;
use unicode_normalization::UnicodeNormalization;

/// Family names of two characters, simplified and traditional.
const COMPOUND: [&str; 46] = [
    "欧阳", "歐陽", "司马", "司馬", "诸葛", "諸葛", "上官", "司徒", "夏侯", "皇甫", "东方", "東方",
    "尉迟", "尉遲", "公孙", "公孫", "慕容", "令狐", "宇文", "长孙", "長孫", "端木", "轩辕", "軒轅",
    "独孤", "獨孤", "南宫", "南宮", "西门", "西門", "东郭", "東郭", "百里", "呼延", "申屠", "太史",
    "澹台", "澹臺", "公冶", "濮阳", "濮陽", "淳于", "单于", "單于", "赫连", "赫連",
];

/// Characters that are read otherwise where they are a family name.
const READ_AS_FAMILY_NAME: [(&str, &str); 24] = [
    ("单", "SHAN"),
    ("單", "SHAN"),
    ("曾", "ZENG"),
    ("查", "ZHA"),
    ("解", "XIE"),
    ("仇", "QIU"),
    ("朴", "PIAO"),
    ("区", "OU"),
    ("區", "OU"),
    ("乐", "YUE"),
    ("樂", "YUE"),
    ("翟", "ZHAI"),
    ("缪", "MIAO"),
    ("繆", "MIAO"),
    ("冼", "XIAN"),
    ("任", "REN"),
    ("覃", "QIN"),
    ("尉迟", "YUCHI"),
    ("尉遲", "YUCHI"),
    ("长孙", "ZHANGSUN"),
    ("長孫", "ZHANGSUN"),
    ("单于", "CHANYU"),
    ("單于", "CHANYU"),
    ("澹台", "TANTAI"),
];

/// Family and given name in capitals; none where not every letter is a Chinese character, or there are too few or too
/// many of them.
#[must_use]
pub fn read_name(native: &str) -> Option<(String, String)> {
    let letters: Vec<char> = native
        .nfkc()
        .filter(|letter| letter.is_alphanumeric())
        .collect();
    if !(2..=5).contains(&letters.len()) {
        return None;
    }
    let both: String = letters[..2].iter().collect();
    let n_family = if letters.len() > 2 && COMPOUND.contains(&both.as_str()) {
        2
    } else {
        1
    };
    let (family, given) = letters.split_at(n_family);
    let text: String = family.iter().collect();
    let special = READ_AS_FAMILY_NAME.iter().find(|(name, _)| *name == text);
    let family = match special {
        Some((_, reading)) => (*reading).to_owned(),
        None => read(family)?,
    };
    Some((family, read(given)?))
}

fn read(letters: &[char]) -> Option<String> {
    let mut text = String::new();
    for letter in letters {
        text.push_str(letter.to_pinyin()?.plain());
    }
    // Passports write a plain u.
    Some(text.replace('ü', "u").to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_read_family_name_first() {
        let read = |native| read_name(native).map(|(family, given)| format!("{family} {given}"));
        let expected = |text: &str| Some(text.to_owned());
        assert_eq!(read("王小明"), expected("WANG XIAOMING"));
        assert_eq!(read("欧阳静"), expected("OUYANG JING"));
        assert_eq!(read("歐陽靜"), expected("OUYANG JING"));
        assert_eq!(read("陈伟"), read("陳偉"));
        assert_eq!(read("张　伟"), expected("ZHANG WEI"));
        assert_eq!(read("曾丽"), expected("ZENG LI"));
        assert_eq!(read("吕军"), expected("LU JUN"));
        // Two characters are one and one, whatever they are.
        assert_eq!(read("司马"), expected("SI MA"));
    }

    #[test]
    fn what_is_not_a_chinese_name_is_left_as_it_was_typed() {
        for native in ["", "王", "Wang Wei", "たなか", "王小明王小明"] {
            assert_eq!(read_name(native), None, "{native}");
        }
    }
}
