/**
 * Magics of other chains that use Bitcoin's message format, so that their messages are not reported as unknown.
 *
 * Each magic was read in the source file that the comment above it names (`pchMessageStart` of `CMainParams` and
 * `CTestNetParams`; in Bitcoin ABC `netMagic`). Add a magic only if the source of its project confirms it. If several chains
 * have the same magic, the row names all of them.
 */
export const OTHER_MAGICS: Readonly<Record<string, string>> = {
  // litecoin-project/litecoin, src/chainparams.cpp, 17f16cef
  fbc0b6db: 'Litecoin',
  fdd2c8f1: 'Litecoin testnet',
  // dogecoin/dogecoin, src/chainparams.cpp, 0273b59a
  c0c0c0c0: 'Dogecoin',
  fcc1b7dc: 'Dogecoin testnet',
  // Bitcoin-ABC/bitcoin-abc, src/kernel/chainparams.cpp, 11c387d8 (for both address prefixes, ecash and bitcoincash)
  e3e1f3e8: 'Bitcoin Cash or eCash',
  f4e5f3f4: 'Bitcoin Cash testnet or eCash testnet',
  // dashpay/dash, src/chainparams.cpp, 00dab8b1
  bf0c6bbd: 'Dash',
  // Groestlcoin/groestlcoin, src/kernel/chainparams.cpp, 02e17f7f
  f9beb4d4: 'Groestlcoin',
  // peercoin/peercoin, src/kernel/chainparams.cpp, 122497cf
  e6e8e9e5: 'Peercoin',
  cbf2c0ef: 'Peercoin testnet',
  // BTCGPU/BTCGPU, src/chainparams.cpp, 00b353fd
  e1476d44: 'Bitcoin Gold',
  e0476d44: 'Bitcoin Gold testnet',
  // DigiByte-Core/digibyte, src/kernel/chainparams.cpp, 1e7ff6c6
  fac3b6da: 'DigiByte',
  // zcash/zcash, src/chainparams.cpp, 005a8624
  '24e92764': 'Zcash',
};
