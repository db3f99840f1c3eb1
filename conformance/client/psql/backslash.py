"""Every backslash command that asks the server, as it is, with S and + and a pattern: a line for each."""

PLAIN = "d dA dAc dAf dAo dAp db dc dC dd dD ddp dE des det deu dew df dF dFd dFp dFt dg di dl dL dm dn do dO dp z drds " \
    "dRp dRs ds dt dT du dv dP dx dX dy l dconfig dtvmsE dPi dfa dfn dft dfw".split()
# Commands that take no S, or a pattern with no schema.
WITHOUT_SYSTEM = "dA dAc dAf dAo dAp dd dF dFd dFp dFt dp z drds dP dPi dx dX dy ddp l dRp dRs".split()
MORE = [
    "d+ pg_class", "d pg_tables", "d+ pg_tables", "d shop.*", "d+ shop.item", "dt+ shop.*", "dp shop.*", "sv pg_tables",
    "sf abs(bigint)", "sf+ pg_catalog.abs(bigint)", "df+ *ab* int*", "do+ + int4 int4", "dC+ int4", "dd abs", "drds admin main",
    "dAc btree int4", "dAf btree", "dAo+ btree integer_ops", "dAp btree integer_ops", "dn+ pg*", "l+ *", "conninfo", "encoding",
]

for name in PLAIN:
    forms = [name, f"{name} pg_class"]
    if name not in ("d", "z"):
        forms.append(f"{name}{'+' if name in WITHOUT_SYSTEM else 'S+'} *")
    for form in forms:
        print(f"\\{form}")
for form in MORE:
    print(f"\\{form}")
