//! Names that stand for the same one: short forms of given names, romanisations of Chinese family names.

/// Each line: a name and what those who bear it are called.
const NAMES: &[&[&str]] = &[
    &["ABIGAIL", "ABBY", "GAIL"],
    &["ALBERT", "AL", "BERT"],
    &["ALEXANDER", "ALEX", "ALEC", "SANDY", "XANDER"],
    &["ALEXANDRA", "SANDRA", "LEXI"],
    &["ALFRED", "ALF", "FRED"],
    &["AMANDA", "MANDY"],
    &["ANDREW", "ANDY", "DREW"],
    &["ANN", "ANNE", "ANNA", "ANNIE", "NAN"],
    &["ANTHONY", "TONY"],
    &["BARBARA", "BARB", "BABS"],
    &["BENJAMIN", "BEN", "BENNY"],
    &[
        "CATHERINE",
        "KATHERINE",
        "KATHRYN",
        "CATHY",
        "KATHY",
        "KATE",
        "KATIE",
        "KAT",
    ],
    &["CHARLES", "CHARLIE", "CHUCK", "CHAS"],
    &["CHRISTINE", "CHRISTINA", "CHRIS", "TINA"],
    &["CHRISTOPHER", "CHRIS", "TOPHER"],
    &["CYNTHIA", "CINDY"],
    &["DANIEL", "DAN", "DANNY"],
    &["DAVID", "DAVE", "DAVEY"],
    &["DEBORAH", "DEBRA", "DEB", "DEBBIE"],
    &["DONALD", "DON", "DONNIE"],
    &["DOROTHY", "DOT", "DOLLY"],
    &["EDWARD", "ED", "EDDIE", "TED", "NED"],
    &[
        "ELIZABETH",
        "BETH",
        "BETTY",
        "LIZ",
        "ELIZA",
        "LIZZIE",
        "BETSY",
        "LISA",
    ],
    &["EUGENE", "GENE"],
    &["FRANCES", "FRAN", "FRANNIE"],
    &["FRANCIS", "FRANK"],
    &["FREDERICK", "FRED", "FREDDIE"],
    &["GERALD", "JERRY", "GERRY"],
    &["GREGORY", "GREG"],
    &["HAROLD", "HAL", "HARRY"],
    &["HENRY", "HANK", "HARRY"],
    &["JACOB", "JAKE"],
    &["JACQUELINE", "JACKIE"],
    &["JAMES", "JIM", "JIMMY", "JAMIE"],
    &["JANET", "JAN"],
    &["JEFFREY", "JEFF", "GEOFFREY", "GEOFF"],
    &["JENNIFER", "JEN", "JENNY"],
    &["JESSICA", "JESS", "JESSIE"],
    &["JOHN", "JACK", "JOHNNY"],
    &["JONATHAN", "JON"],
    &["JOSEPH", "JOE", "JOEY"],
    &["JOSHUA", "JOSH"],
    &["JOSE", "PEPE"],
    &["JUDITH", "JUDY"],
    &["KENNETH", "KEN", "KENNY"],
    &["KIMBERLY", "KIM"],
    &["LAWRENCE", "LARRY"],
    &["LEONARD", "LEN", "LENNY"],
    &["MARGARET", "MEG", "MAGGIE", "PEGGY", "MARGE", "RITA"],
    &["MARY", "MOLLY", "POLLY", "MAE"],
    &["MATTHEW", "MATT"],
    &["MELISSA", "MEL", "MISSY"],
    &["MICHAEL", "MIKE", "MICK", "MICKEY"],
    &["MICHELLE", "SHELLY"],
    &["NANCY", "NAN"],
    &["NATHAN", "NATE"],
    &["NICHOLAS", "NICK"],
    &["NICOLE", "NIKKI"],
    &["PAMELA", "PAM"],
    &["PATRICIA", "PAT", "PATTY", "TRISH", "TRICIA"],
    &["PATRICK", "PAT", "PADDY"],
    &["PETER", "PETE"],
    &["PHILIP", "PHIL"],
    &["RAYMOND", "RAY"],
    &["REBECCA", "BECKY", "BECCA"],
    &["RICHARD", "RICK", "DICK", "RICH", "RICKY"],
    &["ROBERT", "BOB", "BOBBY", "ROB", "ROBBIE", "BERT"],
    &["RONALD", "RON", "RONNIE"],
    &["SAMANTHA", "SAM"],
    &["SAMUEL", "SAM", "SAMMY"],
    &["SANDRA", "SANDY"],
    &["STEPHANIE", "STEPH"],
    &["STEVEN", "STEPHEN", "STEVE"],
    &["SUSAN", "SUE", "SUSIE", "SUZANNE"],
    &["THEODORE", "TED", "THEO"],
    &["THERESA", "TERESA", "TERRY", "TESS"],
    &["THOMAS", "TOM", "TOMMY"],
    &["TIMOTHY", "TIM"],
    &["VICTORIA", "VICKY", "TORI"],
    &["VIRGINIA", "GINNY"],
    &["WALTER", "WALT", "WALLY"],
    &["WILLIAM", "WILL", "BILL", "BILLY", "LIAM"],
    &["ZACHARY", "ZACK", "ZACH"],
];

/// Each line: one family name in Hanyu Pinyin, Wade-Giles and as heard in Hong Kong, Taiwan, Singapore.
const ROMANISATIONS: &[&[&str]] = &[
    &["CAI", "TSAI", "CHOI", "CHUA"],
    &["CAO", "TSAO", "CHO"],
    &["CHEN", "CHAN", "TAN", "CHIN"],
    &["CHENG", "CHING"],
    &["DENG", "TANG", "TENG"],
    &["FENG", "FUNG"],
    &["GAO", "KO", "KAO"],
    &["GUO", "KWOK", "KUO"],
    &["HE", "HO"],
    &["HU", "WU", "WOO"],
    &["HUANG", "WONG", "HWANG", "OOI", "NG"],
    &["JIANG", "CHIANG", "KEUNG"],
    &["LI", "LEE", "LEI"],
    &["LIANG", "LEUNG", "LEONG"],
    &["LIN", "LAM", "LIM"],
    &["LIU", "LAU", "LIEW", "LOW"],
    &["LUO", "LAW", "LO"],
    &["MA", "MAH"],
    &["OUYANG", "AUYEUNG", "OU YANG", "AU YEUNG"],
    &["SHEN", "SHUM", "SUM"],
    &["SIMA", "SZEMA", "SSUMA", "SI MA"],
    &["SONG", "SUNG", "SOONG"],
    &["SUN", "SUEN", "SOON"],
    &["TANG", "TONG", "TENG"],
    &["WANG", "WONG", "ONG", "HENG"],
    &["WU", "NG", "GOH", "NGO"],
    &["XIAO", "HSIAO", "SIU"],
    &["XIE", "HSIEH", "TSE"],
    &["XU", "HSU", "TSUI", "KOH"],
    &["YANG", "YEUNG", "YEO", "YOUNG"],
    &["YE", "YEH", "YIP"],
    &["YU", "YUE", "YEE"],
    &["ZENG", "TSENG", "TSANG"],
    &["ZHANG", "CHANG", "CHEUNG", "TEO"],
    &["ZHAO", "CHAO", "CHIU"],
    &["ZHENG", "CHENG", "CHANG", "TAY"],
    &["ZHOU", "CHOW", "CHOU", "CHEW"],
    &["ZHU", "CHU", "CHOO"],
    &["ZHUGE", "CHUKO", "CHU KO"],
];

/// Numbers of the romanisations that hold a family name.
#[must_use]
pub fn romanisations_of(family_name: &str) -> Vec<u16> {
    let lines = (0..).zip(ROMANISATIONS);
    lines
        .filter(|(_, line)| line.contains(&family_name))
        .map(|(number, _)| number)
        .collect()
}

/// Numbers of the lines that hold a name.
#[must_use]
pub fn lines_of(name: &str) -> Vec<u16> {
    let lines = (0..).zip(NAMES);
    lines
        .filter(|(_, line)| line.contains(&name))
        .map(|(number, _)| number)
        .collect()
}

/// Whether two names, by the lines that hold them, stand for the same one: one of them heads a line of the other, or
/// both stand in the same line.
#[must_use]
pub fn may_be_the_same(left: &[u16], right: &[u16]) -> bool {
    left.iter().any(|line| right.contains(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_meet_their_names() {
        let same = |left, right| may_be_the_same(&lines_of(left), &lines_of(right));
        assert!(same("WILLIAM", "BILL"));
        assert!(same("BOB", "ROBERT"));
        let same_family =
            |left, right| may_be_the_same(&romanisations_of(left), &romanisations_of(right));
        assert!(same_family("WONG", "WANG") && same_family("WONG", "HUANG"));
        assert!(!same_family("WANG", "HUANG"));
        assert!(!same("BOB", "BILL"));
        assert!(!same("ZORA", "ZORA"));
    }
}
