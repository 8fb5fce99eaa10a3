"""What the vocabulary of the eight sensitive categories catches, and what it lets pass."""

import subprocess
import sys
import unicodedata
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xsieve.configs import table
from xsieve.transforms.records.matching import find
from xsieve.transforms.records.sensitive import Finding, judge, judge_label, judge_words
from xsieve.transforms.records.vocabulary import LANGUAGES, ROLES, Word, items, vocabulary

CLOSED_LIST = {
    "health": ["health", "pregnancy"],
    "financial": ["negative financial status", "negative financial condition"],
    "political": ["political affiliation", "political beliefs"],
    "racial": ["racial origin", "ethnic origin"],
    "religious": [
        "religious affiliation",
        "religious beliefs",
        "philosophical affiliation",
        "philosophical beliefs",
    ],
    "sexual": ["sex life", "sexual orientation"],
    "union": ["trade union membership"],
    "crime": ["alleged crime", "actual crime"],
}

# What people call the columns that they add, by language and by category.
TELLING = {
    "en": {
        "health": """
            health_status mental_health is_healthy depression_score anxiety_level disability
            disabled_person chronic_illness disease_name is_sick cancer_stage diabetic hiv_status
            is_autistic adhd_score ptsd eating_disorder suicide_risk self_harm addiction smoker drug_user
            obesity bmi vaccination_status covid_positive takes_medication psychiatric_condition dementia
            allergy_type infertility diagnosis medical_history is_pregnant pregnancy_status weeks_pregnant
            trimester due_date abortion_history breastfeeding
        """,
        "financial": """
            debt in_debt bankrupt bankruptcy is_insolvent credit_score bad_credit creditworthiness
            overdue_payments payment_default foreclosure eviction_risk poverty_level low_income unemployed
            homeless financial_distress financially_unstable is_poor food_insecurity on_welfare
            payday_loans arrears subprime money_problems economic_hardship indebtedness
        """,
        "political": """
            party_affiliation political_party political_leaning politics is_republican p_democrat
            votes_for vote_choice vote_intention partisan ideology_score left_right left_wing far_right
            is_liberal conservative_prob leftist socialist trump_supporter pro_trump maga brexit_supporter
            labour_voter tory activist feminist anarchist populism_score extremism radicalization antifa
            gop
        """,
        "racial": """
            race racial_origin race_ethnicity ethnicity ethnic_group is_black is_white is_asian
            african_american hispanic latinx skin_color skin_tone caste tribe ancestry native_american
            indigenous arab mixed_race biracial people_of_color immigrant_background minority_status
        """,
        "religious": """
            religion religiosity religious_affiliation is_muslim muslim_prob christian catholic jewish
            hindu buddhist atheist agnostic faith denomination church_member church_attendance believer
            prays belief_in_god evangelical philosophical_beliefs worldview humanist stoic nihilist
            spirituality freemason secular moral_beliefs belief_system school_of_thought
        """,
        "sexual": """
            sex_life sexual_orientation sexuality sexual_preference is_gay lesbian bisexual lgbtqia queer
            heterosexual straight asexual sexually_active number_of_sexual_partners kink fetish bdsm
            promiscuity polyamorous porn_use transgender is_trans attracted_to_men same_sex_attraction
        """,
        "union": """
            union_member union_membership trade_union labor_union labour_union unionized is_unionised
            union_rep workers_union works_council afl_cio teamster collective_bargaining guild_member
        """,
        "crime": """
            criminal_record crime_committed is_criminal convicted felony arrested suspect accused
            alleged_crime charged_with charges indicted prison inmate incarcerated in_jail parole
            probation offender terrorist murderer rapist thief gang_member drug_dealer fraudster guilty
            police_record theft_committed illegal_activity wanted_person
        """,
    },
    "es": {
        "health": """
            salud estado_de_salud enfermedad esta_enfermo tiene_depresion discapacidad vih adiccion
            fumador vacunado trastorno_mental embarazada esta_embarazada embarazo aborto
        """,
        "financial": """
            deuda endeudado moroso bancarrota quiebra insolvente puntaje_crediticio pobreza desempleado
            bajos_ingresos situacion_financiera desahucio impagos sin_hogar
        """,
        "political": """
            partido_politico afiliacion_politica ideologia intencion_de_voto votante_psoe
            izquierda_derecha militancia opinion_politica creencias_politicas posicion_politica
        """,
        "racial": """
            raza etnia origen_etnico color_de_piel indigena afrodescendiente gitano mestizo ascendencia
        """,
        "religious": """
            religion creencia_religiosa afiliacion_religiosa catolico musulman ateo creyente filosofia
            creencias_filosoficas cosmovision vision_del_mundo masoneria humanista espiritualidad
        """,
        "sexual": """
            vida_sexual orientacion_sexual sexualidad lesbiana homosexual actividad_sexual
            parejas_sexuales
        """,
        "union": """
            sindicato afiliacion_sindical sindicalizado miembro_sindicato afiliado_a_sindicato
            sindicalista ccoo
        """,
        "crime": """
            delito delincuente antecedentes_penales sospechoso acusado imputado condenado presunto_delito
            carcel terrorista ladron
        """,
    },
    "fr": {
        "health": """
            sante etat_de_sante maladie est_malade dépressif handicapé séropositif fumeur vacciné
            trouble_mental enceinte est_enceinte grossesse avortement ivg
        """,
        "financial": """
            dette endettement surendettement faillite insolvable score_credit pauvreté chômeur au_chomage
            faible_revenu difficultes_financieres impayés sans_abri
        """,
        "political": """
            parti_politique affiliation_politique idéologie intention_de_vote opinions_politiques
            gauche_droite extreme_droite militant est_de_gauche appartenance_politique
        """,
        "racial": """
            origine_ethnique origine_raciale race ethnie couleur_de_peau maghrébin issu_immigration
            origine
        """,
        "religious": """
            religion appartenance_religieuse convictions_religieuses croyant catholique musulman athée foi
            laïque philosophie conviction_philosophique vision_du_monde franc_macon humaniste spiritualité
        """,
        "sexual": """
            vie_sexuelle orientation_sexuelle sexualité homosexuel lesbienne hétérosexuel
            partenaires_sexuels
        """,
        "union": """
            syndicat appartenance_syndicale syndiqué est_syndique membre_syndicat syndicaliste
            délégué_syndical
        """,
        "crime": """
            délit casier_judiciaire délinquant criminel suspect accusé mis_en_examen garde_a_vue condamné
            prison incarcéré crime_présumé infraction récidiviste
        """,
    },
    "de": {
        "health": """
            gesundheitszustand krankheit ist_krank depressiv angststoerung schwerbehindert diabetiker
            hiv_positiv raucher geimpft impfstatus psychische_erkrankung schwanger ist_schwanger
            schwangerschaftswoche abtreibung
        """,
        "financial": """
            schulden verschuldet ueberschuldung überschuldung privatinsolvenz bankrott pleite schufa_score
            bonität armut arbeitslos geringverdiener zahlungsverzug finanzielle_lage obdachlos
        """,
        "political": """
            partei parteizugehoerigkeit parteizugehörigkeit parteimitglied politische_einstellung
            wahlabsicht afd_waehler ideologie links_rechts rechtsextrem feministin parteineigung
        """,
        "racial": """
            rasse ethnie ethnische_herkunft hautfarbe herkunft migrationshintergrund abstammung
            dunkelhaeutig
        """,
        "religious": """
            religionszugehoerigkeit konfession glaube glaubensrichtung gläubig ist_muslim katholisch
            atheist kirchenmitglied weltanschauung weltbild philosophische_ueberzeugung freimaurer
            humanist esoterik
        """,
        "sexual": """
            sexualleben sexuelle_orientierung homosexuell schwul lesbisch sexuell_aktiv geschlechtsverkehr
        """,
        "union": """
            gewerkschaft gewerkschaftsmitglied gewerkschaftszugehörigkeit ig_metall verdi_mitglied
            betriebsrat
        """,
        "crime": """
            straftat straftaeter kriminell vorbestraft vorstrafe verdächtiger tatverdacht beschuldigter
            angeklagter verhaftet gefaengnis verurteilt verbrechen täter dieb
        """,
    },
    "pt": {
        "health": """
            saude estado_de_saude doença esta_doente depressão deficiente hiv_positivo fumante vacinado
            transtorno_mental gravida esta_gravida gravidez aborto gestante
        """,
        "financial": """
            divida endividado inadimplente falencia insolvente score_de_credito nome_sujo pobreza
            desempregado baixa_renda situacao_financeira despejo sem_teto
        """,
        "political": """
            partido_politico filiacao_partidaria ideologia orientacao_politica intencao_de_voto
            opiniao_politica esquerda_direita bolsonarista petista extrema_direita
        """,
        "racial": """
            raça etnia origem_etnica cor_da_pele cor_raca indigena negro_pardo afrodescendente cigano
            quilombola
        """,
        "religious": """
            religiao crenca_religiosa católico evangelico muculmano ateu agnóstico espirita umbandista
            filosofia crencas_filosoficas visao_de_mundo maçonaria humanista espiritualidade
        """,
        "sexual": """
            vida_sexual orientação_sexual opcao_sexual sexualidade lésbica bissexual parceiros_sexuais
        """,
        "union": "sindicato filiacao_sindical sindicalizado membro_sindicato filiado_sindicato sindicalista",
        "crime": """
            crime criminoso antecedentes_criminais ficha_criminal suspeito arguido condenado prisao
            suposto_crime terrorista presidiario
        """,
    },
    "it": {
        "health": """
            salute stato_di_salute malattia malato depressione disabile tumore sieropositivo fumatore
            vaccinato disturbo_mentale incinta gravidanza settimana_gravidanza aborto
        """,
        "financial": """
            debiti indebitato moroso bancarotta fallito insolvenza punteggio_credito povertà disoccupato
            basso_reddito difficoltà_economiche sfratto senzatetto cattivo_pagatore
        """,
        "political": """
            partito partito_politico appartenenza_politica orientamento_politico intenzione_di_voto
            convinzioni_politiche destra_sinistra leghista militante estrema_destra
        """,
        "racial": "razza etnia origine_etnica origine_razziale colore_della_pelle zingaro immigrato",
        "religious": """
            religione appartenenza_religiosa credo_religioso cattolico musulmano ebreo ateo credente fede
            filosofia convinzioni_filosofiche visione_del_mondo massoneria umanista spiritualità
        """,
        "sexual": """
            vita_sessuale orientamento_sessuale sessualita omosessuale lesbica bisessuale partner_sessuali
        """,
        "union": "sindacato appartenenza_sindacale iscrizione_sindacale sindacalizzato sindacalista cgil",
        "crime": """
            reato crimine criminale precedenti_penali fedina_penale sospettato indagato imputato
            condannato carcere presunto_reato pregiudicato ladro
        """,
    },
    "nl": {
        "health": """
            gezondheidstoestand ziekte is_ziek depressief angststoornis gehandicapt kanker hiv_positief
            verslaving roker gevaccineerd psychische_stoornis zwanger is_zwanger zwangerschapsweek abortus
        """,
        "financial": """
            schulden heeft_schulden schuldenaar failliet faillissement kredietscore bkr_registratie
            armoede werkloos bijstand laag_inkomen betalingsachterstand financiele_problemen dakloos
        """,
        "political": """
            partij politieke_partij partijlidmaatschap politieke_voorkeur stemgedrag ideologie
            extreemrechts pvv_stemmer partijvoorkeur
        """,
        "racial": """
            ras etniciteit etnische_afkomst huidskleur migratieachtergrond afkomst herkomst allochtoon
        """,
        "religious": """
            religie godsdienst geloof geloofsovertuiging gelovig moslim katholiek atheist kerklid
            levensbeschouwing filosofische_overtuiging wereldbeeld vrijmetselaar humanist spiritualiteit
        """,
        "sexual": "seksleven seksuele_geaardheid seksualiteit homo homoseksueel lesbisch seksueel_actief",
        "union": """
            vakbond vakbondslid vakbondslidmaatschap lid_van_vakbond fnv_lid vakbeweging ondernemingsraad
        """,
        "crime": """
            misdrijf misdaad crimineel strafblad verdachte veroordeeld gevangenis gearresteerd
            vermeend_misdrijf dader dief
        """,
    },
    "ja": {
        "health": """
            健康状態 病気 病歴 うつ うつ病 不安障害 障害者 糖尿病 HIV陽性 喫煙者 ワクチン接種 精神疾患
            妊娠 妊娠中 妊婦 中絶
        """,
        "financial": """
            借金 負債 債務 自己破産 信用スコア 滞納 貧困 低所得 失業中 無職 生活保護 経済状況 支払不能
        """,
        "political": "支持政党 政党 党員 投票先 政治的志向 政治思想 イデオロギー 左翼 右翼 保守派 自民党支持",
        "racial": "人種 民族 民族的出自 肌の色 在日 アイヌ 黒人 エスニシティ",
        "religious": """
            宗教 信仰 信仰心 宗派 信者 キリスト教徒 仏教徒 無神論者 哲学 世界観 人生観 フリーメイソン 学派
        """,
        "sexual": "性生活 性的指向 性的嗜好 同性愛者 ゲイ レズビアン バイセクシュアル LGBT セクシュアリティ",
        "union": "労働組合 労働組合員 組合員 組合加入 労組加入 日教組",
        "crime": "犯罪 犯罪歴 前科 容疑者 容疑 逮捕歴 有罪 受刑者 被告人 刑務所",
    },
    "ja-Latn": {
        "health": """
            kenkou kenko byouki byoreki utsubyou fuan_shougai shogaisha ninshin nimpu chuuzetsu kitsuensha
        """,
        "financial": """
            shakkin fusai jiko_hasan jikohasan shinyou_sukoa tainou hinkon teishotoku shitsugyo
            seikatsuhogo
        """,
        "political": """
            shijiseitou shijiseito shiji_seitou touhyousaki seiji seijiteki_shikou ideorogii sayoku
            jiminto
        """,
        "racial": "jinshu zinsyu_kubun minzoku hada_no_iro zainichi kokujin",
        "religious": """
            shuukyou shukyo shinkou shinja kirisutokyo bukkyou mushinron tetsugaku sekaikan jinseikan
        """,
        "sexual": "seiseikatsu seiteki_shikou seitekishiko douseiai doseiai rezubian gei iseiai",
        "union": "roudoukumiai rodokumiai rōdōkumiai roudou_kumiai kumiaiin rouso",
        "crime": "hanzai hanzai_reki hanzaireki zenka yougisha yogisha taiho yuuzai keimusho hannin",
    },
}

# What the closed list does not name, or only by the sound of it.
HARMLESS = {
    "en": """
        code name address party_size credit_text race_results host_union crime_rate_of_city union_set
        health_check conviction_rate charge_level gender crime_victim wealthy sentiment topic stance
        stance_climate toxicity bot_score emotion sarcasm language is_spam hate_speech engagement
        credibility misinformation embedding cluster_id framing valence arousal subjectivity quality
        confidence annotator age_group income education occupation city country_code followers_count
        verified description created_at payment_method price currency credit_limit_text third_party
        first_party dinner_party race_day racecar marathon_race unisex essex middlesex sussex sextant
        reunion onion opinion_count companion union_find union_all sql_union student_union european_union
        credit_union union_type page_orientation image_orientation device_orientation origin_url
        origin_country gradient_descent original good_faith belief_propagation bayesian_belief
        conviction_trade battery_charge recharge service_charge surcharge service_health cluster_health
        health_points stress_test cancer_zodiac black_friday blacklist black_box white_paper whitelist
        white_space whitespace white_noise green_energy left_margin right_hand left_join copyright
        labor_day labour_cost labor_market liberal_arts conservative_estimate democratic_republic_of_congo
        democracy_index election_date upvotes vote_count poll_options debt_to_gdp national_debt
        technical_debt crime_statistics crime_fiction unemployment_rate poverty_rate grape embrace
        trace_id brace terrace grace interface surface therapist_rating transaction translate transport
        transparent mistral mass_media classic church_street jewelry hinder hindsight christmas island
        poor_quality broken broke_build double_blind drugstore smoke_test pain_point suspect_data
        theft_insurance national_park nationality natural_language native_app indigo index india
        african_cup design_philosophy stoichiometry humanity humanoid model_agnostic pacific specific
        capacity diagnostics disable enabled covid_tweets covid_topic straight_line straightforward
        bicycle bilingual homogeneous homepage heterogeneous homeowner virgin_atlantic default_value
        overdue_task insolent debit debit_card income_tax prison_break sentence_count tennis_court
        free_trial school_name course_id theme section sector segment partition particle participant
        partner department archive
    """,
    "es": """
        codigo nombre direccion partida participacion partido_futbol partidos_ganados raza_perro carrera
        saldo cuenta saludo saludos edad genero fecha tema sentimiento politica_de_privacidad origen_datos
        origen_url derecho tarjeta_credito profesion ingresos tasa_de_criminalidad tasa_de_pobreza
        deuda_publica victima union_europea blanco_y_negro remitente extraviado stampede
    """,
    "fr": """
        nom adresse partie particule participation parti_pris course_a_pied race_chien solde fois foie
        parfois genre ville politique_de_confidentialite origine_donnees droit carte_credit metier
        taux_de_criminalite taux_de_chomage dette_publique victime union_europeenne noir_et_blanc maire
        sondage cloche gare vol_direct localisee autorisees israelien
    """,
    "de": """
        adresse partie partikel anteil geschlecht rasante rasen hunderasse kreditkarte einkommen
        schwarz_weiss bildorientierung kriminalitaetsrate arbeitslosenquote staatsschulden opfer
        europaeische_union krankenhaus krankenkasse gesundheitscheck glaubwuerdigkeit glaeubiger
        entschuldigung unschuld haftpflicht auswahl mitglied kirschkuchen linkshaender rechtschreibung
        suche abteilung dateiwaehler
    """,
    "pt": """
        codigo nome endereco partida participacao partido_futebol raca_cachorro saldo saudade sessao
        sessoes gravidade politica_de_privacidade origem_dados cartao_credito taxa_de_criminalidade
        divida_publica vitima preto_e_branco cadeia_de_caracteres isla
    """,
    "it": """
        codice nome indirizzo partita partenza particella corso gara conto saldo crediti saluto sinistro
        genere politica_sulla_privacy origine_dati razza_cane tasso_di_criminalita debito_pubblico vittima
        bianco_e_nero fedelta federazione ipertesto tipologia notazione presa_elettrica
    """,
    "nl": """
        naam adres deelname leeftijd geslacht sekse herkomst_url rasecht hondenras inkomen zwart_wit
        criminaliteitscijfer staatsschuld slachtoffer ziekenhuis geloofwaardigheid onschuld strafschop
        bond linksboven rechthoek kleurenkiezer parteneinde politie overgang geldig
    """,
    "ja": """
        名前 住所 年齢 性別 国籍 言語 本文 話題 感情スコア 意見 評価 出身地 投票数 病院名 犯罪率
        犯罪被害者 謝罪 個性的 女性 男性 可能性 安全性 年収 学歴 送信者 受信者 管理組合 協同組合
        組み合わせ がんばる ゲイン 障害発生 左側
    """,
    "ja-Latn": """
        namae juusho nenrei seibetsu kuni gengo hizuke kanjou iken shokugyou nenshuu gakureki kyoto seihin
        shinbun
    """,
}


def _names(words: dict[str, str] | dict[str, dict[str, str]]) -> list[tuple[str, ...]]:
    listed: list[tuple[str, ...]] = []
    for language, found in words.items():
        by_category = found.items() if isinstance(found, dict) else [("", found)]
        listed += [(language, category, name) for category, text in by_category for name in text.split()]
    return listed


# --- names


@pytest.mark.parametrize(("language", "category", "name"), _names(TELLING))
def test_a_field_that_tells_is_caught_without_its_values(language: str, category: str, name: str) -> None:
    """Each language catches what people call such columns, in the category that they belong to."""
    finding = judge(name)
    assert finding is not None
    assert finding.category == category


@pytest.mark.parametrize("name", [name for _, _, name in _names(HARMLESS)])
def test_a_field_that_only_sounds_alike_passes(name: str) -> None:
    """Words are matched as words, and as what they mean beside others."""
    assert judge(name) is None


@pytest.mark.parametrize("values", [["a", "b"], ["spam", "ham"], ["yes", "no"], []])
def test_a_name_that_tells_is_refused_whatever_its_values(values: list[str]) -> None:
    """A field goes whatever its value says: false and 0.02 are inferences too."""
    finding = judge("user.is_pregnant", values)
    assert finding == judge("pregnant")
    assert finding is not None
    assert finding.by == "name"


@pytest.mark.parametrize(
    "name",
    [
        "not_religious",
        "p_democrat",
        "depression_score",
        "has_no_debt",
        "hasnodebt",
        "non_muslim",
        "probIsGay",
        "pred-atheist",
        "ex_convict",
        "user.derived.politicalLeaning",
        "religion2",
        "religions0",
        "top3_political_parties",
        "ISPREGNANT",
        "hivPositive",
        "isHIV",
        "sexualorientationscore",
        "authorgewerkschaft",
        "estcatholique",
        "ｐｒｅｇｎａｎｔ",
        "preg\u200bnant",
        "pregnánt",
        "RELIGIÓN",
    ],
)
def test_negated_scored_nested_and_disguised_names_are_caught(name: str) -> None:
    """The inference is the field, however its name is written and whatever stands around the word."""
    assert judge(name) is not None


# --- values decide


@pytest.mark.parametrize(
    ("name", "values", "category"),
    [
        ("party", "cdu spd", "political"),
        ("party", "d r", "political"),
        ("partido", "pp psoe vox", "political"),
        ("parti", "ps lr rn", "political"),
        ("partij", "vvd pvda sp", "political"),
        ("leaning", "left right center", "political"),
        ("sex", "gay straight", "sexual"),
        ("sex", "active inactive", "sexual"),
        ("orientation", "hetero homo", "sexual"),
        ("orientación", "heterosexual homosexual", "sexual"),
        ("union", "member none", "union"),
        ("組合", "加入 未加入", "union"),
        ("race", "black white asian", "racial"),
        ("race", "noir blanc", "racial"),
        ("origin", "african european", "racial"),
        ("faith", "christian none", "religious"),
        ("belief", "atheist theist", "religious"),
        ("conviction", "theft murder none", "crime"),
        ("charge", "assault dui", "crime"),
    ],
)
def test_an_ambiguous_name_is_caught_by_its_values(name: str, values: str, category: str) -> None:
    """What a word means is what its labels say."""
    finding = judge(name, values.split())
    assert finding is not None
    assert (finding.by, finding.category) == ("values", category)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("party", "birthday wedding"),
        ("party", "host guest"),
        ("partido", "ganado perdido"),
        ("sex", "male female"),
        ("sex", "m f"),
        ("orientation", "portrait landscape"),
        ("orientation", "up down left right"),
        ("orientation", "north south"),
        ("union", "inner outer"),
        ("union", "left right inner outer"),
        ("race", "5k marathon"),
        ("raza", "labrador caniche"),
        ("charge", "free paid"),
        ("origin", "web app"),
        ("color", "black white"),
        ("align", "left right center"),
        ("quality", "good poor"),
        ("sign", "aries cancer leo"),
        ("risk", "conservative aggressive"),
        ("cuisine", "asian italian"),
        ("lang", "en pt ps de"),
        ("stance", "pro contra none"),
        ("sentiment", "positive negative neutral"),
    ],
)
def test_values_that_mean_something_else_let_a_name_pass(name: str, values: str) -> None:
    """An ambiguous name is harmless once its labels are, and labels are harmless in a field that is."""
    assert judge(name, values.split()) is None


@pytest.mark.parametrize(
    "name",
    [
        "party",
        "sex",
        "orientation",
        "union",
        "race",
        "faith",
        "belief",
        "conviction",
        "charge",
        "origin",
        "is_black",
    ],
)
@pytest.mark.parametrize("values", [None, [], ["true", "false"], ["0", "1"], ["high", "Low", "不明"], ["oui", "non"]])
def test_an_ambiguous_name_without_telling_values_is_refused(name: str, values: list[str] | None) -> None:
    """Deny by default: yes, no and how much do not say what a word means."""
    finding = judge(name, values)
    assert finding is not None
    assert finding.by == "undeclared"


@pytest.mark.parametrize(
    "values",
    [
        "muslim,christian",
        "liberal,conservative",
        "republican,other",
        "diabetic,healthy",
        "bankrupt,solvent",
        "unionized,none",
        "suspect,victim",
        "Not-pregnant,pregnant",
        "katholisch,evangelisch",
        "syndiqué,none",
        "verschuldet,schuldenfrei",
        "vorbestraft,nein",
        "仏教徒,なし",
    ],
)
def test_labels_that_tell_are_caught_under_any_name(values: str) -> None:
    """A harmless name does not make its labels harmless."""
    finding = judge("label", values.split(","))
    assert finding is not None
    assert finding.by == "values"


# --- labels at run time


@pytest.mark.parametrize(
    "label",
    [
        "democrat",
        "GAY",
        "Left-wing",
        "probably_muslim",
        "not pregnant",
        "HIV+",
        "chômeur",
        "妊娠中",
        "trade union member",
    ],
)
def test_a_label_that_tells_is_caught_at_run_time(label: str) -> None:
    """Labels that nobody declared are judged one by one."""
    finding = judge_label(label)
    assert finding is not None
    assert finding.by == "values"


@pytest.mark.parametrize(
    "label",
    [
        "positive",
        "none",
        "left",
        "black",
        "5k",
        "health",
        "politics",
        "paris",
        "0.93",
        "true",
        "climate",
        "Taylor",
    ],
)
def test_a_label_that_tells_nothing_passes(label: str) -> None:
    """Subjects and everyday words are no inference about a person."""
    assert judge_label(label) is None


def test_a_label_is_judged_by_the_name_of_its_field_if_that_is_known() -> None:
    """``left`` tells in a field that may be about politics, and only there."""
    assert judge_label("left", "align") is None
    assert judge_label("left", "leaning") is not None
    assert judge_label("cancer", "zodiac_sign") is None
    assert judge_label("x" * 1000 + " muslim") is not None


def test_a_text_is_judged_by_the_words_that_tell() -> None:
    """Descriptions may use ambiguous words; they may not say who the people are."""
    assert judge_words("Posts about the third party of the union") is None
    assert judge_words("Posts of users who are pregnant") is not None


# --- the tables


def test_the_closed_list_is_whole() -> None:
    """Eight categories with their sub-items, each with its clause."""
    listed: dict[str, list[str]] = {}
    for item in items().values():
        listed.setdefault(item.category, []).append(item.item)
        assert item.clause
    assert listed == CLOSED_LIST


@cache
def _all_words() -> list[tuple[str, Word]]:
    known = vocabulary()
    places = {"whole": known.whole, "head": known.head, "tail": known.tail, "inner": known.inner}
    return [(place, word) for place, words in places.items() for same in words.values() for word in same]


@pytest.mark.parametrize("item", [item for listed in CLOSED_LIST.values() for item in listed])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_item_has_words_in_every_language(language: str, item: str) -> None:
    """None of the easily missed items (unions, debts, world views) is missing anywhere."""
    told = {
        word.letters
        for _, word in _all_words()
        if (word.language, word.item.item) == (language, item) and word.role in ("tells", "name")
    }
    assert len(told) >= 5


def test_every_word_of_the_tables_is_itself_caught() -> None:
    """No line is dead: what it says is found under its own spelling."""
    either = {word.item.category: word.letters for _, word in _all_words() if word.role == "either"}
    missed: list[str] = []
    for _, word in _all_words():
        letters = word.letters
        if word.role in ("tells", "name"):
            caught = judge_words(letters) is not None
        elif word.role in ("under", "pair", "alone"):
            caught = judge(either[word.item.category], [letters]) is not None
        else:
            caught = word.role == "harmless" or judge(letters) is not None
        if not caught:
            missed.append(f"{word.language}: {letters}")
    assert missed == []


def test_no_word_is_both_harmless_and_sensitive() -> None:
    """A spelling that is harmless by itself says nothing in any language."""
    harmless = {(place, word.letters) for place, word in _all_words() if word.role == "harmless"}
    sensitive = {(place, word.letters) for place, word in _all_words() if word.role != "harmless"}
    assert harmless & sensitive == set()


def test_the_tables_have_no_line_of_an_unknown_kind() -> None:
    """Roles are those that the reader of the tables explains, and groups hold words."""
    for language in LANGUAGES:
        for line in table(f"vocabulary/{language}.tsv"):
            assert line.cells["role"] in ROLES, line.where
            assert all(word.strip() for word in line.cells["words"].split(",")), line.where
    assert all(line.cells["words"] for line in table("vocabulary/groups.tsv"))


def test_the_tables_are_not_read_before_they_are_needed() -> None:
    """Importing the judge costs nothing; the command that only prints its help does not pay for the words."""
    code = (
        "from xsieve.transforms.records import sensitive, vocabulary as v; "
        "raise SystemExit(v.vocabulary.cache_info().currsize)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- any name


@cache
def _spoken() -> list[list[str]]:
    """Words of the tables in Latin letters, as the separate words that they are."""
    found: list[list[str]] = []
    for place, word in _all_words():
        if place == "whole" and word.role in ("tells", "name") and len(word.letters) >= 5:
            edges = [0, *sorted(word.joints), len(word.letters)]
            found.append([word.letters[a:b] for a, b in pairwise(edges)])
    return sorted(filter(lambda words: all(w.isascii() and w.isalpha() for w in words), found))


def _camel(words: list[str]) -> str:
    return words[0] + "".join(word.capitalize() for word in words[1:])


def _wide(words: list[str]) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in "_".join(words))


def _accented(words: list[str]) -> str:
    return unicodedata.normalize("NFC", "_".join(words).replace("e", "e\u0301").replace("u", "u\u0308"))


WRITINGS = [
    "_".join,
    "-".join,
    ".".join,
    " ".join,
    _camel,
    _wide,
    _accented,
    lambda words: "_".join(words).upper(),
    lambda words: "\u200b_".join(words),
    lambda words: _camel(["author", *words]),
    lambda words: "is_" + "_".join(words),
    lambda words: "_".join(words) + "_score",
    lambda words: "p." + ".".join(words),
]


@settings(max_examples=1500, deadline=None)
@given(data=st.data())
def test_a_name_says_the_same_in_all_writings(data: st.DataObject) -> None:
    """Case, separators, accents, widths and affixes change nothing."""
    words = data.draw(st.sampled_from(_spoken()))
    write = data.draw(st.sampled_from(WRITINGS))
    assert judge(write(words)) is not None


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_words_joined_to_an_affix_are_taken_apart(data: st.DataObject) -> None:
    """``ispregnant`` and ``religionscore`` are two words."""
    words = data.draw(st.sampled_from(_spoken()).filter(lambda words: len(words) == 1 and len(words[0]) >= 6))
    affix = data.draw(st.sampled_from(["user{}", "{}score", "is{}", "{}label", "author{}"]))
    assert judge(affix.format("".join(words))) is not None


@settings(max_examples=500, deadline=None)
@given(name=st.text(max_size=80), values=st.none() | st.lists(st.text(max_size=20), max_size=4))
def test_the_judge_never_fails_and_never_changes_its_mind(name: str, values: list[str] | None) -> None:
    """Any text is judged, alike each time, and a finding holds nothing but what the tables say."""
    finding = judge(name, values)
    assert finding == judge(name, values)
    assert judge_label(name) == judge_label(name)
    if finding is not None:
        assert isinstance(finding, Finding)
        assert items()[finding.item] == (finding.category, finding.item, finding.clause)
        assert finding.language in LANGUAGES


def test_a_very_long_label_is_judged_to_its_end() -> None:
    """Texts of any length are read whole, in time that grows with their length only."""
    assert judge_label("ab" * 20_000 + "_religious") is None
    assert judge_label("ab" * 20_000 + " muslim") is not None
    assert judge_label("health " * 20_000) is None
    assert judge_label("x" * 493 + " transgender") is not None
    assert max(len(word.letters) for _, word in _all_words()) <= 40


def test_a_harmless_word_excuses_only_what_it_stands_beside() -> None:
    """``size`` makes a party harmless, not the religion in the same name."""
    assert judge("party_size") is None
    assert judge("party_size_by_religion") is not None
    assert judge("host_union_member") is not None
    assert find("party_size") == ()
