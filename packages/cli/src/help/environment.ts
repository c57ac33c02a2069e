import { type Flag, globalFlags } from '../flag.ts';

export type Variable = { readonly name: string; readonly meaning: string };

/** Every environment variable govctl reads; the twins of flags come from the flags themselves. */
export function environmentVariables(): Variable[] {
  const flags: [string, Flag][] = Object.entries(globalFlags);
  const twins = flags.flatMap(([name, flag]) =>
    flag.env === undefined ? [] : [{ name: flag.env, meaning: `--${name}: ${flag.summary}` }],
  );
  return [
    ...twins,
    { name: 'GOVCTL_API_KEY_FILE', meaning: 'File with the API key, instead of the one of the context' },
    { name: 'GOVCTL_DEBUG', meaning: '1 shows where in the program an error comes from' },
    { name: 'XDG_CONFIG_HOME', meaning: 'Folder of govctl/config.yaml; ~/.config when not set' },
    { name: 'NO_COLOR', meaning: 'Any value: no colour' },
    { name: 'FORCE_COLOR', meaning: 'Colour without a terminal; 0 or false: none' },
    { name: 'TERM', meaning: 'dumb: no colour' },
    { name: 'CI', meaning: 'Set: nobody is asked anything' },
  ];
}
