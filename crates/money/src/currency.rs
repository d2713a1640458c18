use std::fmt;
use std::str::FromStr;

use crate::{MoneyError, UNITS_PER_WHOLE};

/// Currencies without a minor unit (ISO 4217, table A.1).
const WITHOUT_MINOR: [&[u8; 3]; 16] = [
    b"BIF", b"CLP", b"DJF", b"GNF", b"ISK", b"JPY", b"KMF", b"KRW", b"PYG", b"RWF", b"UGX", b"VND",
    b"VUV", b"XAF", b"XOF", b"XPF",
];

/// Currencies whose minor unit is a thousandth (ISO 4217, table A.1).
const WITH_THOUSANDTHS: [&[u8; 3]; 7] = [b"BHD", b"IQD", b"JOD", b"KWD", b"LYD", b"OMR", b"TND"];

/// Currencies that people pay in (ISO 4217, table A.1, of 2026), without funds, metals and codes for tests; and those
/// withdrawn in 2025 and 2026, which shops may still have orders in.
const IN_USE: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD \
    CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD \
    HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD \
    MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG \
    QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD \
    TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG";

/// A currency by its ISO 4217 code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Decimal places of the minor unit: 2 for most, 0 for yen, 3 for some dinars.
    #[must_use]
    pub fn decimals(self) -> u32 {
        if WITHOUT_MINOR.contains(&&self.0) {
            0
        } else if WITH_THOUSANDTHS.contains(&&self.0) {
            3
        } else {
            2
        }
    }

    /// Units of 1/10,000 in one minor unit.
    #[must_use]
    pub fn units_per_minor(self) -> i64 {
        UNITS_PER_WHOLE / 10_i64.pow(self.decimals())
    }

    /// Whether it is known as one that people pay in. A code of three capital letters need not be.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        IN_USE.split(' ').any(|code| code == self.code())
    }

    /// The code, as in `USD`.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let code: [u8; 3] = text
            .as_bytes()
            .try_into()
            .map_err(|_| MoneyError::UnknownCurrency)?;
        if code.iter().all(u8::is_ascii_uppercase) {
            Ok(Self(code))
        } else {
            Err(MoneyError::UnknownCurrency)
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minor_units_follow_iso_4217() {
        for (code, decimals, units) in [
            ("USD", 2, 100),
            ("EUR", 2, 100),
            ("JPY", 0, 10_000),
            ("KWD", 3, 10),
        ] {
            let currency: Currency = code.parse().unwrap();
            assert_eq!(currency.decimals(), decimals);
            assert_eq!(currency.units_per_minor(), units);
            assert_eq!(currency.to_string(), code);
        }
    }

    #[test]
    fn codes_that_nobody_pays_in_are_told_apart() {
        let is_in_use = |code: &str| code.parse::<Currency>().unwrap().is_in_use();
        for code in WITHOUT_MINOR.iter().chain(&WITH_THOUSANDTHS) {
            assert!(is_in_use(std::str::from_utf8(*code).unwrap()), "{code:?}");
        }
        for code in ["XTS", "XAU", "XDR", "CLF", "ABC", "AAA"] {
            assert!(!is_in_use(code), "{code}");
        }
        assert!(
            IN_USE
                .split(' ')
                .all(|code| code.parse::<Currency>().is_ok())
        );
        assert!(IN_USE.split(' ').is_sorted());
    }

    #[test]
    fn a_code_is_three_capital_letters() {
        for text in ["", "US", "usd", "USDT", "U1D", "ÄÖ"] {
            assert_eq!(
                text.parse::<Currency>(),
                Err(MoneyError::UnknownCurrency),
                "{text}"
            );
        }
    }
}
