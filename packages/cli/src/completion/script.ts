/**
 * What a shell runs at TAB: it hands the words typed so far to `govctl __complete`, never through `eval`, and offers what comes
 * back. A line is `value<TAB>description`; the line `:files` means "file names, as you always do".
 */
export const completionScripts: Readonly<Record<string, string>> = {
  bash: `# bash completion for govctl: source <(govctl completion bash)
_govctl() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      compopt -o default 2>/dev/null
      COMPREPLY=()
      return
    fi
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <("$1" __complete bash "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null </dev/null)
}
complete -F _govctl govctl
`,
  zsh: `#compdef govctl
# zsh completion for govctl: source <(govctl completion zsh), or a file _govctl in $fpath
_govctl() {
  local line
  local -a values
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      _files
      return
    fi
    values+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done < <("\${words[1]}" __complete zsh "\${(@)words[2,CURRENT]}" 2>/dev/null </dev/null)
  _describe govctl values
}
if [[ \${funcstack[1]} == _govctl ]]; then _govctl "$@"; else compdef _govctl govctl; fi
`,
  fish: `# fish completion for govctl: govctl completion fish | source
function __govctl_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in (command $words[1] __complete fish $words[2..-1] "$current" 2>/dev/null </dev/null)
        if test "$line" = :files
            __fish_complete_path "$current"
        else
            printf '%s\\n' $line
        end
    end
end
complete -c govctl -f -a '(__govctl_complete)'
`,
};
