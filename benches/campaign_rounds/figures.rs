//! The campaigns beside the mass mailing and beside what was published of Sale Net, each figure with what it is of.

use std::collections::BTreeMap;

use super::program::{Failure, Program};
use super::project::CAMPAIGNS;

/// The baseline of both campaigns.
const MAILING: &str = "HEL-MASS-2026-05";

#[derive(Debug, Clone, Copy, Default)]
struct Funnel {
    contacted: f64,
    letters: f64,
    answered_letters: f64,
    booked_by_letter: f64,
    responded: f64,
    applied: f64,
    booked: f64,
    booked_by_phone: f64,
    amount: f64,
    cost: f64,
}

/// A figure's part and whole.
type Of = fn(&Funnel) -> (f64, f64);

/// From `marts.campaign_result`, of which `salenet campaign results` shows each cell: all cells but controls.
pub fn print(program: &Program) -> Result<(), Failure> {
    let sql = "select campaign_code, channel, sum(n_contacted), sum(n_responded), sum(n_applied), sum(n_booked), \
        sum(amount), sum(cost) from marts.campaign_result where kind <> 'control' group by 1, 2 order by 1, 2";
    let mut funnels: BTreeMap<String, Funnel> = BTreeMap::new();
    for row in program.rows(sql)? {
        let number = |place: usize| row[place].parse::<f64>();
        let funnel = funnels.entry(row[0].clone()).or_default();
        funnel.contacted += number(2)?;
        funnel.responded += number(3)?;
        funnel.applied += number(4)?;
        funnel.booked += number(5)?;
        funnel.amount += number(6)?;
        funnel.cost += number(7)?;
        if row[1] == "phone" {
            funnel.booked_by_phone += number(5)?;
        } else {
            funnel.letters += number(2)?;
            funnel.answered_letters += number(3)?;
            funnel.booked_by_letter += number(5)?;
        }
    }
    let names = [MAILING, CAMPAIGNS[0], CAMPAIGNS[1]];
    let found = names.map(|name| funnels.get(name).copied().unwrap_or_default());
    let mailing = found[0];
    let shares: [(&str, &str, Of); 7] = [
        ("responses / contacts", "", |of| {
            (of.responded, of.contacted)
        }),
        ("loans booked / contacts", "21 % \"loan success\"", |of| {
            (of.booked, of.contacted)
        }),
        ("loans booked / responses", "21 % \"loan success\"", |of| {
            (of.booked, of.responded)
        }),
        (
            "loans booked / applications",
            "21 % \"loan success\"",
            |of| (of.booked, of.applied),
        ),
        (
            "booked by telephone cell / all booked",
            "65 % of personal loans",
            |of| (of.booked_by_phone, of.booked),
        ),
        ("responses to letters / letters", "", |of| {
            (of.answered_letters, of.letters)
        }),
        ("loans booked after letters / letters", "", |of| {
            (of.booked_by_letter, of.letters)
        }),
    ];
    println!(
        "\n| figure | {} | Sale Net as published |\n|---|---|---|---|---|",
        names.join(" | ")
    );
    for (name, published, of) in shares {
        let cells = found.map(|funnel| {
            let (part, whole) = of(&funnel);
            format!("{part} / {whole} = {:.2} %", 100.0 * part / whole)
        });
        println!("| {name} | {} | {published} |", cells.join(" | "));
    }
    let line = |name: &str, published: &str, of: &dyn Fn(&Funnel) -> String| {
        let cells = found.map(|funnel| of(&funnel));
        println!("| {name} | {} | {published} |", cells.join(" | "));
    };
    let saved = |needed: f64| {
        let change = 100.0 * (needed / mailing.letters - 1.0);
        format!("{needed:.0} / {} = {change:+.1} %", mailing.letters)
    };
    let all = "contacts for as many loans as the mailing booked / its letters";
    line(all, "-40 % letters", &|of| {
        saved(of.contacted * mailing.booked / of.booked)
    });
    let by_mail = "the same by letters alone";
    line(by_mail, "-40 % letters", &|of| {
        saved(of.letters * mailing.booked / of.booked_by_letter)
    });
    line("new loan volume", "45 million", &|of| {
        format!("{:.0}", of.amount)
    });
    line("cost of contacts / loans booked", "", &|of| {
        format!(
            "{:.2} / {} = {:.2}",
            of.cost,
            of.booked,
            of.cost / of.booked
        )
    });
    Ok(())
}
