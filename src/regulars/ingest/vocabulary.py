"""The words that people and programs write above the columns of a purchase file.

From 1C reports, fiscal data operators, Excel sheets, Shopify, Square, WooCommerce, Lightspeed and public research data.
Written the way `headings.normalise` leaves them: small letters, no punctuation, ё as е, no currency. Phrases are parted
by semicolons; those at the front of a tier are the surer ones.
"""

from collections.abc import Mapping
from types import MappingProxyType

# role -> three tiers: says exactly what the column is; the plain word for it; may mean it when nothing better is there
VOCABULARY: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "customer_id": (
            """customer id; client id; buyer id; member id; shopper id; household id; household key; account
            id; user id; contact id; loyalty id; loyalty card; loyalty card number; loyalty number; customer
            number; client number; customer code; client code; customer key; cust id; custid; guest id;
            patient id; hshd num; household; panelist id; member number; membership number; card id;
            customer no; consumer id; subscriber id; party id; crm id; customer reference id; id клиента;
            клиент id; код клиента; клиент код; номер клиента; id покупателя; код покупателя; покупатель id;
            номер карты; номер карты клиента; номер дисконтной карты; номер карты лояльности; дисконтная
            карта; карта лояльности; бонусная карта; карта клиента; карта покупателя; код карты; штрихкод
            карты; номер бонусной карты; код дисконтной карты; штрих код карты; дисконтная карта код; код
            контрагента; контрагент код; инн покупателя; инн клиента; инн контрагента; id контакта; id
            участника; номер участника; id пользователя; код владельца карты; дк; номер дк; код дк; id
            гостя; код пациента; номер карты пациента; владелец карты код; карта номер""",
            """customer; client; buyer; member; shopper; user; consumer; patient; guest; phone; phone number;
            telephone; mobile; mobile phone; mobile number; customer phone; client phone; billing phone;
            phone billing; cell; cell phone; contact phone; клиент; покупатель; контрагент; телефон; телефон
            клиента; телефон покупателя; номер телефона; моб телефон; мобильный телефон; мобильный; тел; тел
            клиента; контактный телефон; гость; пациент; участник; владелец карты; владелец дисконтной
            карты; телефон или email покупателя; телефон или e mail покупателя; адрес покупателя; контакт;
            контакт покупателя; карта; номер телефона клиента; телефон гостя; потребитель; заказчик;
            партнер; абонент""",
            """email; e mail; customer email; client email; billing email; email billing; email address; card;
            card number; card no; contact; account; account number; customer name; client name; buyer name;
            full name; bill to; billing name; company; phone or email; почта; эл почта; электронная почта;
            email клиента; email покупателя; имя клиента; имя покупателя; фио; фио клиента; фио покупателя;
            наименование клиента; наименование контрагента; наименование покупателя; имя; компания;
            организация покупатель; id""",
        ),
        "purchased_at": (
            """purchased at; purchase date; purchase datetime; purchase time stamp; purchase timestamp;
            transaction date; transaction datetime; transaction timestamp; transaction date time; sale date;
            sales date; sale datetime; date of sale; date of purchase; order date; order datetime;
            orderdate; order timestamp; invoice date; invoicedate; receipt date; receipt datetime; ticket
            date; bill date; sold at; purchased on; shop date; order purchase timestamp; trans date; txn
            date; tran date; event time; date time of sale; дата продажи; дата и время продажи; дата время
            продажи; дата покупки; дата и время покупки; дата чека; дата и время чека; дата время чека; дата
            заказа; дата реализации; дата операции; дата и время операции; дата транзакции; дата и время
            транзакции; дата визита; дата и время визита; дата посещения; дата услуги; дата оказания услуги;
            время продажи дата; момент продажи; дата пробития; дата и время расчета; дата время расчета;
            дата накладной; дата документа реализации; дата формирования чека; дата фд; дата и время фд;
            дата закрытия чека; дата счета""",
            """date; datetime; date time; timestamp; date and time; sale time; дата; дата время; дата и время;
            период; дата документа; день; period; day; purchase day; дата проводки; дата отгрузки; invoice
            day; ts; время и дата""",
            """created at; created; created on; date created; paid at; paid date; payment date; date paid;
            completed date; closed at; closed date; processed at; posting date; business date; дата оплаты;
            дата создания; создан; создано; дата закрытия; оплачен; дата платежа; закрыт; month; месяц""",
        ),
        "purchased_time": (
            """purchase time; sale time of day; transaction time; order time; receipt time; trans time; время
            продажи; время покупки; время чека; время операции; время заказа; время визита; время
            транзакции; время документа; время пробития""",
            "time; время; time of day; час минута",
            "",
        ),
        "amount": (
            """amount paid; paid amount; line total; line amount; line net amount; net amount; net sales; net
            sale; net total; net revenue; sales value; sales amount; sale amount; sale value; item total;
            order line total; lineitem total; line item total; total line amount; extended price; extended
            amount; net price total; spend amount; discounted total; amount after discount; total after
            discount; net value; line revenue; sales net; сумма со скидкой; сумма с учетом скидки; сумма с
            учетом скидок; стоимость со скидкой; стоимость с учетом скидки; сумма после скидки; сумма
            строки; сумма по строке; сумма позиции; сумма товара; стоимость позиции; итоговая сумма; сумма к
            оплате; оплачено; сумма оплаты; оплаченная сумма; сумма продажи; сумма продаж; сумма покупки;
            сумма реализации; продажи сумма; сумма продажи со скидкой; сумма итого; итого со скидкой;
            стоимость с учетом скидок и наценок; стоимость предмета расчета; сумма предмета расчета; общая
            стоимость позиции с учетом скидок и наценок; сумма с ндс; выручка с ндс; сумма продажи с ндс;
            всего с ндс; стоимость продажи""",
            """amount; sum; revenue; sales; spend; spent; turnover; total amount; total price; total sales;
            purchase amount; transaction amount; payment amount; money spent; monetary; value; total value;
            amt; dollar sales; dollars; сумма; выручка; стоимость; оборот; итого; всего; продажи; сумма руб;
            товарооборот; реализация""",
            """total; subtotal; order total; receipt total; order amount; order value; invoice total; grand
            total; bill amount; order total amount; total paid; cart total; basket value; receipt amount;
            invoice amount; payment; gross sales; gross amount; payments; сумма чека; сумма заказа; сумма
            документа; итого по чеку; итог чека; сумма по чеку; сумма счета; стоимость заказа; оплата; чек
            сумма; сумма без ндс; платеж; стоимость без скидки""",
        ),
        "receipt_id": (
            """receipt id; receipt number; receipt no; receipt; order id; order number; order no; orderid;
            transaction id; transaction number; transactionid; invoice id; invoice number; invoice no;
            invoiceno; invoice; basket id; basket key; basket number; basket num; ticket id; ticket number;
            sale id; sale number; bill id; bill no; check number; check id; cheque number; order name; txn
            id; trans id; tran id; transaction key; номер чека; чек номер; чек; id чека; код чека; ид чека;
            номер заказа; заказ; id заказа; код заказа; номер транзакции; id транзакции; номер накладной;
            накладная; номер документа; чек ккм; номер чека ккм; номер продажи; id продажи; код продажи;
            номер фд; фд; номер визита; id визита; номер счета; номер операции; кассовый чек; документ
            продажи; документ реализации; номер реализации; фискальный номер документа""",
            """order; transaction; ticket; bill; basket; check; cheque; document; document number; document no;
            doc number; документ; регистратор; ссылка; номер; продажа; транзакция; операция id; счет""",
            "payment id; name; doc; id документа; реализация товаров и услуг",
        ),
        "product_id": (
            """product id; product code; product number; product no; product sku; item id; item code; item
            number; item no; sku; sku id; sku code; article; article id; article number; article code; upc;
            ean; barcode; gtin; plu; stockcode; stock code; stock keeping unit; lineitem sku; line item sku;
            variant sku; product key; productid; itemid; product num; service id; service code; material
            number; prod id; артикул; код товара; товар код; sku товара; код номенклатуры; номенклатура код;
            номенклатура артикул; артикул товара; штрихкод; штрих код; штрихкод товара; id товара; ид
            товара; код позиции; код услуги; id услуги; код материала; код; номенклатурный номер; шк; код
            продукта; id продукта; товар артикул""",
            "product ref; item ref; model; модель; модель артикул",
            "variant id; product group code",
        ),
        "product": (
            """product name; item name; product title; item title; product description; item description;
            lineitem name; line item name; sku name; article name; service name; product; item; service;
            goods; description of goods; наименование товара; название товара; товар; номенклатура;
            наименование номенклатуры; наименование услуги; название услуги; услуга; наименование предмета
            расчета; предмет расчета; товар услуга; позиция; наименование позиции; продукт; наименование
            продукта; название продукта; блюдо; наименование блюда; товар наименование; номенклатура
            наименование; товары; работа; наименование работы; вид работ; процедура""",
            """description; name of product; title; наименование; название; product type; описание; описание
            товара""",
            "details; article description; материал; характеристика",
        ),
        "category": (
            """category; product category; item category; category name; product group; item group; commodity;
            commodity desc; product department; product line; product family; sub category; subcategory;
            merchandise category; категория; категория товара; группа товара; группа товаров; товарная
            группа; номенклатурная группа; группа номенклатуры; категория номенклатуры; вид номенклатуры;
            вид товара; категория услуги; группа услуг; товарная категория; группа; категория блюда""",
            """department; group; family; class; section; раздел; отдел; подгруппа; подкатегория; вид; тип
            товара; класс товара; раздел меню""",
            "vendor; brand; бренд; марка; производитель; product class",
        ),
        "quantity": (
            """quantity; qty; quantity sold; qty sold; units; units sold; unit sold; lineitem quantity; line
            item quantity; item quantity; item qty; number of units; quantity refund; quantity purchased;
            order qty; sales qty; sales quantity; sales units; volume sold; количество; кол во; колво; кол;
            количество товара; количество штук; кол во товара; количество продано; продано штук; продано;
            количество в чеке; количество проданного; количество предмета расчета; количество базовых
            единиц; продажи количество; кол во шт; количество шт; количество услуг; к во""",
            """count; pieces; pcs; шт; штук; число; units quantity; num units; объем; литры; литров; вес;
            weight; liters; volume""",
            "items; number of items; кратность",
        ),
        "discount": (
            """discount amount; line discount; discount value; discounts; total discount; discount; retail
            disc; retail discount; lineitem discount; line item discount; item discount; markdown amount;
            amount discount; discount sum; disc amount; сумма скидки; скидка сумма; скидка; скидки; размер
            скидки; сумма скидок; скидка по строке; сумма скидки по чеку; скидка на позицию; сумма
            автоматической скидки; сумма ручной скидки; скидка руб; предоставленная скидка; сумма скидки
            всего""",
            "disc; markdown; promo discount; loyalty discount; сумма бонусов списано; уценка; скидка по акции",
            """coupon disc; coupon discount; coupon amount; discount code amount; coupon match disc; скидка по
            купону; скидка по карте""",
        ),
        "cost": (
            """cost; cost amount; line cost; total cost; cost of goods; cost of goods sold; cogs; cost total;
            cost value; себестоимость; сумма себестоимости; себестоимость сумма; себестоимость продаж;
            себестоимость строки; себестоимость итого; себестоимость продажи; сумма закупки; закупочная
            стоимость; стоимость закупки; себестоимость без ндс; себестоимость с ндс""",
            "purchase cost; net cost; затраты",
            "",
        ),
        "unit_cost": (
            """unit cost; cost per unit; cost per item; cost price; purchase price; buying price; wholesale
            price; себестоимость за ед; себестоимость за единицу; себестоимость единицы; себестоимость ед;
            себестоимость за шт; себестоимость единицы товара; закупочная цена; цена закупки; цена
            закупочная; цена поставщика; учетная цена; цена себестоимости; закуп цена""",
            "",
            "",
        ),
        "price": (
            """unit price; price per unit; item price; lineitem price; line item price; price each; selling
            price; sale price; retail price; unitprice; price per item; item cost; цена за единицу; цена за
            ед; цена товара; цена продажи; цена за шт; розничная цена; цена единицы; цена предмета расчета;
            цена реализации; цена за единицу предмета расчета; цена за единицу с учетом скидок и наценок;
            цена со скидкой; цена с учетом скидки""",
            "price; цена; rate; тариф; прайс; цена услуги",
            "list price; base price; базовая цена; цена без скидки",
        ),
        "store": (
            """store; store id; store name; store code; store number; store no; shop; shop id; shop name;
            branch; branch name; branch id; outlet; location; location name; location id; point of sale; pos
            location; salon; station; store key; магазин; код магазина; название магазина; наименование
            магазина; номер магазина; id магазина; торговая точка; точка продаж; точка; филиал; адрес
            магазина; салон; аптека; азс; клиника; ресторан; кафе; заведение; точка продажи; торговый
            объект; адрес торговой точки; наименование торговой точки; место расчетов""",
            """подразделение; склад; warehouse; отделение; адрес; площадка; офис; office; site; касса; касса
            ккм; pos; store r""",
            """организация; юрлицо; region; регион; город; city; terminal; ккт; register; device name; ккм;
            store location""",
        ),
        "staff": (
            """cashier; cashier id; cashier name; seller; salesperson; sales person; sales rep; sales
            representative; employee; employee id; employee name; staff; staff id; staff name; server;
            waiter; manager; account manager; staff member; team member; stylist; master; doctor; operator;
            sales associate; кассир; продавец; менеджер; сотрудник; официант; мастер; врач; оператор; фио
            кассира; фио продавца; фио сотрудника; исполнитель; код продавца; табельный номер;
            администратор; специалист; продавец консультант; фармацевт; провизор; бармен; код кассира; имя
            кассира; кассир фио; основной менеджер; ответственный менеджер; менеджер клиента""",
            """responsible; ответственный; автор; user name; пользователь; agent; торговый представитель;
            агент; консультант""",
            "created by; sold by; owner; владелец",
        ),
        "channel": (
            """channel; sales channel; order channel; sale channel; channel name; order source; traffic source;
            utm source; канал; канал продаж; канал продажи; источник заказа; канал заказа; способ заказа;
            канал привлечения""",
            """source; source name; marketplace; platform; источник; площадка продаж; источник трафика; тип
            заказа; order type""",
            "referral source; medium; рекламный источник; dining option; вид продажи",
        ),
        "promotion": (
            """promotion; promotion id; promo; promo code; promocode; promotion name; discount code; coupon
            code; coupon; offer; offer id; campaign; campaign id; voucher; voucher code; акция; код акции;
            название акции; промокод; промо код; купон; наименование акции; скидка по акции название;
            маркетинговая акция; промоакция""",
            """discount name; discount reason; вид скидки; причина скидки; наименование скидки; скидка
            наименование; deal""",
            "признак акции; promo flag",
        ),
        "operation": (
            """operation type; transaction type; sale type; receipt type; event type; document type; type of
            operation; order type of operation; тип операции; вид операции; признак расчета; тип чека; вид
            чека; операция; тип документа; вид документа; тип продажи; тип расчета; хозяйственная операция;
            продажа возврат; вид расчета; приход возврат""",
            """operation; record type; is return; is refund; возврат; признак возврата; return flag; refund
            flag""",
            "",
        ),
    }
)

# understood, and nothing for a purchase history: must not be taken for something else
OTHER = """дата рождения; день рождения; birthday; birth date; date of birth; дата доставки; delivery date;
    shipping date; shipped at; дата регистрации; registration date; signup date; дата выдачи карты; updated
    at; cancelled at; fulfilled at; дата изменения; ндс; сумма ндс; ставка ндс; vat; tax; taxes; total tax;
    налог; shipping; shipping amount; стоимость доставки; доставка; tip; tips; чаевые; fees; скидка %;
    discount %; % скидки; процент скидки; discount percent; discount pct; discount rate; бонусы; начислено
    бонусов; списано бонусов; points; week; неделя; номер недели; year; год; quarter; ед; ед изм; единица;
    единица измерения; unit; uom; п п; номер п п; n п п; номер строки; line number; line no; row id; пол;
    gender; sex; age; возраст; комментарий; comment; notes; примечание; currency; валюта; time zone;
    country; страна; способ оплаты; форма оплаты; вид оплаты; payment method; тип оплаты; наличные;
    наличными; безналичные; картой; номер смены; смена; номер ккт; рн ккт; зн ккт; номер фн; фн; фп; фпд;
    инн; кпп; сумма без скидки; сумма до скидки; стоимость до скидки; amount before discount; price before
    discount; маржа; margin; прибыль; profit; валовая прибыль; рентабельность; наценка; остаток; stock;
    баланс; balance; статус; status; financial status; fulfillment status; статус заказа; order status;
    sample id; cdnow id; customer segment; сегмент; customer city"""
