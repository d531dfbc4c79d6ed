/**
 * Magics of other chains that use Bitcoin's message format, so that a pasted message is named instead of called unknown.
 * Sources: `pchMessageStart` in the chainparams.cpp of each chain's node. Several chains share one; each is named.
 */
export const OTHER_MAGICS: Readonly<Record<string, string>> = {
  fbc0b6db: 'Litecoin',
  fdd2c8f1: 'Litecoin testnet',
  c0c0c0c0: 'Dogecoin',
  fcc1b7dc: 'Dogecoin testnet',
  e3e1f3e8: 'Bitcoin Cash or Bitcoin SV',
  f4e5f3f4: 'Bitcoin Cash testnet',
  bf0c6bbd: 'Dash',
  cee2caff: 'Dash testnet',
  f9beb4fe: 'Namecoin',
  f9beb4d4: 'Groestlcoin',
  e6e8e9e5: 'Peercoin',
  e1476d44: 'Bitcoin Gold',
  fac3b6da: 'DigiByte',
  '24e92764': 'Zcash',
  fa1af9bf: 'Zcash testnet',
};
