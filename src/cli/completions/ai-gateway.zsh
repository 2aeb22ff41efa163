#compdef ai-gateway
# Completion of ai-gateway for zsh: the program itself says what may come next.
_ai-gateway() {
    local -a found
    found=("${(@f)$("${words[1]}" internal complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ "${found[1]}" == ':files' ]]; then
        _files
    else
        compadd -- "${(@)found:#}"
    fi
}
if [[ "${funcstack[1]}" == _ai-gateway ]]; then
    _ai-gateway "$@"
elif (( $+functions[compdef] )); then
    compdef _ai-gateway ai-gateway
fi
