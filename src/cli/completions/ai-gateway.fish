# Completion of ai-gateway for fish: the program itself says what may come next.
function __ai_gateway_complete
    set -l before (commandline -opc)
    set -l found ($before[1] internal complete -- $before[2..-1] (commandline -ct) 2>/dev/null)
    if test "$found[1]" = ':files'
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $found
    end
end
complete -c ai-gateway -f -a '(__ai_gateway_complete)'
